"""Systems that the paper compares DMD with, one file each, all with one interface (Chapter 13)."""
