"""City vital signs: defined as data, measured from assets and from the work, kept so that each has its past."""
