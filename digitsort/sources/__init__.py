"""Places of bytes that are no files of their own: members of archives, objects of buckets."""
