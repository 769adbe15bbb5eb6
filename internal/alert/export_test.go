package alert

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// OpenForTest puts a school in service as its head and CPE would.
func OpenForTest(ctx context.Context, tx database.Tx, a *Alert, school, until string, now time.Time) error {
	if err := RehearseForTest(ctx, tx, school, now); err != nil {
		return err
	}
	day := now.UTC().Format(time.DateOnly)
	if err := a.AskService(ctx, tx, school, "head", page.Head, until, day, now); err != nil {
		return err
	}
	return a.OpenService(ctx, tx, school, "cpe", page.CPE, day, now)
}

// RehearseForTest is a rehearsal of the week before that was found right.
func RehearseForTest(ctx context.Context, tx database.Tx, school string, now time.Time) error {
	if ready, err := Rehearsed(ctx, tx, school); err != nil || ready {
		return err
	}
	h := Rehearsal{School: school, ID: database.NewID(), StartedBy: "head", StartedAt: database.Stamp(now.AddDate(0, 0, -7))}
	if _, err := tx.NewInsert().Model(&h).Exec(ctx); err != nil {
		return err
	}
	for i := range rehearsedDays {
		g := verdict{School: school, Rehearsal: h.ID, Day: now.AddDate(0, 0, i-7).Format(time.DateOnly), N: 1, By: "office", At: h.StartedAt}
		if _, err := tx.NewInsert().Model(&g).Exec(ctx); err != nil {
			return err
		}
	}
	_, err := tx.NewUpdate().Model((*Rehearsal)(nil)).Set("ended_by = ?, ended_at = ?, outcome = ?, days = ?", "head", database.Stamp(now), Ready, rehearsedDays).
		Where("h.school = ? AND h.id = ?", school, h.ID).Exec(ctx)
	return err
}

// UsualForTest says what is usual in a school on a day.
func UsualForTest(a *Alert, school, day string, u Usual) { a.usual.Store(school, usualDay{day, u}) }

// ReplyForTest hands an SMS of a family over as the courier does.
func ReplyForTest(ctx context.Context, tx database.Tx, a *Alert, l courier.Letter, text string, now time.Time) error {
	return a.reply(ctx, tx, l, text, now)
}

// StoppedForTest tells of stopped contact points as the courier does.
func StoppedForTest(ctx context.Context, tx database.Tx, a *Alert, school string, points []directory.ContactPoint, why string, now time.Time) error {
	return a.stopped(ctx, tx, school, points, why, now)
}

// FrameForTest puts a piece of a page where package app would put it.
func FrameForTest(c templ.Component, width page.Width) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return page.Frame(page.Meta{Title: "Aujourd'hui", Active: "today", Width: width}).Render(templ.WithChildren(ctx, c), w)
	})
}

// sealer is an installation with a key of its own, for the fuzz test of links.
func sealer() *Alert {
	j, err := journal.New(bytes.Repeat([]byte{7}, journal.MinKey))
	if err != nil {
		panic(err)
	}
	return &Alert{journal: j}
}

// SealForTest writes what stands behind a code.
func SealForTest(testing.TB) func(code string) string { return sealer().seal }

// CodeForTest reads a token.
func CodeForTest(token string) (string, bool) { return sealer().codeOf(token) }
