"""Plans: drafted, checked, frozen by a signature, amended in the open; and the data that they name."""
