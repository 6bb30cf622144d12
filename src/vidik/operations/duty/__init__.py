"""Who is at the desk, who is called when nobody answers, and what one shift leaves to the next."""
