package directory

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory/internal/aaf/aaftest"
)

// BenchmarkImportAndUndo takes a lycée of 1,200 and undoes it: how long the writer is held
// by each, and how much is kept.
func BenchmarkImportAndUndo(b *testing.B) {
	dir := b.TempDir()
	if _, err := aaftest.Generate(dir, 1, aaftest.Lycee()); err != nil {
		b.Fatal(err)
	}
	e, err := ReadExport(b.Context(), []string{dir}, Reading{English: true})
	if err != nil {
		b.Fatal(err)
	}
	in := e.schools[0].incoming()
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": databasetest.SQLite, "postgres": databasetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			j := aJournal(b)
			var importing, undoing time.Duration
			size := 0
			for b.Loop() {
				began := time.Now()
				if _, err := importSchool(b.Context(), db, j, in, Order{By: "test", AcceptLoss: true}, then); err != nil {
					b.Fatal(err)
				}
				importing += time.Since(began)
				var school string
				err := db.Read(b.Context(), func(ctx context.Context, tx database.Tx) error {
					var r undoRow
					err := tx.NewSelect().Model(&r).Scan(ctx)
					school, size = r.School, len(r.Kept)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
				began = time.Now()
				err = db.InSchool(b.Context(), school, func(ctx context.Context, tx database.Tx) error {
					_, err := UndoImport(ctx, tx, j, school, "", "head", nil, then)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
				undoing += time.Since(began)
			}
			b.ReportMetric(importing.Seconds()*1000/float64(b.N), "ms/import")
			b.ReportMetric(undoing.Seconds()*1000/float64(b.N), "ms/undo")
			b.ReportMetric(float64(size), "bytes-kept")
		})
	}
}
