"""Which files were written by this user: keys, signatures, signed pickles."""
