"""What happens to a page between the printer and the picture of it."""
