"""Models under test: who they are, what they are asked about which stimulus, how it is shown to them, what comes back.

roster = who · questions/ = what is asked · items = about which stimuli · media, arms, asking = how · baselines and
canary = what their numbers are held against. What a response says is read elsewhere (thud.evaluation).
"""
