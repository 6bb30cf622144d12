"""How sure a saving is: placebo runs, conformal intervals, and the Guideline 14 formula beside them. Pure."""
