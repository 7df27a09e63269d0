"""What the commands in `data_scripts` share: reading without running, converting, checking."""
