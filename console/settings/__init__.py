"""The settings as people see them: which there are, their forms, and how a change of one reads."""
