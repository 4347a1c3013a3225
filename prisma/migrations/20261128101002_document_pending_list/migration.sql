-- What is written comes into a list first, which each search reads from end to end: with the usual 4 MB, that of 12,000
-- documents took five times what the search itself takes.
ALTER INDEX "document_data_idx" SET (gin_pending_list_limit = 128);
