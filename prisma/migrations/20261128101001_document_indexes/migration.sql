-- The words of what is at some paths, for full-text search. No document has more of them than an index can hold.
CREATE FUNCTION "document_words"("data" JSONB, "paths" JSONB) RETURNS TSVECTOR LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_tsvector('simple'::regconfig, left((
    SELECT coalesce(string_agg("data" #>> ARRAY(SELECT jsonb_array_elements_text("one"."path")), ' ' ORDER BY "one"."place"), '')
    FROM jsonb_array_elements("paths") WITH ORDINALITY AS "one" ("path", "place")
  ), 100000));

-- CreateTable
CREATE TABLE "document_index_failure" (
    "name" TEXT NOT NULL,
    "error" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "document_index_failure_pkey" PRIMARY KEY ("name")
);
