"""From gray pixels to a digit: arrays in, arrays out."""
