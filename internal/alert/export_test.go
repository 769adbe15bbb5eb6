package alert

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// OpenForTest puts a school in service as its head and CPE would.
func OpenForTest(ctx context.Context, tx database.Tx, a *Alert, school, until string, now time.Time) error {
	if err := a.AskService(ctx, tx, school, "head", page.Head, until, now.UTC().Format(time.DateOnly), now); err != nil {
		return err
	}
	return a.OpenService(ctx, tx, school, "cpe", page.CPE, now)
}
