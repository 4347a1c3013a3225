-- What is at a path of a document, as a value that has an order; null where it is of another type. Declared indexes are
-- made of these functions, and queries find them by using the same.

-- A B-tree holds no long texts: the beginning is enough to find them, and to sort by.
CREATE FUNCTION "document_text"("data" JSONB, "path" TEXT[]) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN jsonb_typeof("data" #> "path") = 'string' THEN left("data" #>> "path", 256) END;

CREATE FUNCTION "document_number"("data" JSONB, "path" TEXT[]) RETURNS NUMERIC LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN jsonb_typeof("data" #> "path") = 'number' THEN ("data" #> "path")::numeric END;

CREATE FUNCTION "document_boolean"("data" JSONB, "path" TEXT[]) RETURNS BOOLEAN LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN jsonb_typeof("data" #> "path") = 'boolean' THEN ("data" #> "path")::boolean END;
