"""The journal: where it is kept (a local file, or an object in S3), and the lease under which it is written.

Its modules are imported one by one: a dry run needs neither what writes nor what knows S3.
"""
