"""Pilots of the demo city: three with an effect that was put in, one in which nothing happened, one that is real.

They come in as a city's own would: the utility hands in its meters as a file, a person writes and signs the plan, the
verdict is computed by Vidik. The demo knows the true effect; Vidik does not.
"""
