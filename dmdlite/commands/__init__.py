"""What commands share: their options, and how each starts and ends."""
