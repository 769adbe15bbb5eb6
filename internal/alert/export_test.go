package alert

import (
	"context"
	"io"
	"time"

	"github.com/a-h/templ"

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

// FrameForTest puts a piece of a page where package app would put it.
func FrameForTest(c templ.Component, width page.Width) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return page.Frame(page.Meta{Title: "Aujourd'hui", Active: "today", Width: width}).Render(templ.WithChildren(ctx, c), w)
	})
}
