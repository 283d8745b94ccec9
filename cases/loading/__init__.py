"""Files become the rows that decide.

Every loader keeps three promises. It reads the whole file and tells all that is wrong with it, each by file and row.
It writes in one transaction, all or nothing, and writes nothing while anything is refused. Loading the same again
changes nothing.
"""
