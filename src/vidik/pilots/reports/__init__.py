"""What an auditor gets: the report as a page and as PDF, the extract behind it, and its verification."""
