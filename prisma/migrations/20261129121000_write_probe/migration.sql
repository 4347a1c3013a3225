-- Written, and emptied again, to find out whether the database takes writes after one has failed.
CREATE TABLE "write_probe" (
    "id" INTEGER NOT NULL,
    "filler" TEXT NOT NULL,

    CONSTRAINT "write_probe_pkey" PRIMARY KEY ("id")
);

-- Takes the room that it says, in the table's own file.
ALTER TABLE "write_probe" ALTER COLUMN "filler" SET STORAGE PLAIN;
