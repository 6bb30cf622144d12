"""A folder of meters evaluated at once, on all cores of one machine or of several."""
