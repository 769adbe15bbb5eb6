package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
)

// A notice's letter is explained like any other: by the command with all that is recorded,
// on the pages by its announcement.
func TestANoticeIsExplained(t *testing.T) {
	h := newHouse(t)
	school, c := h.ours.School.ID, h.ours.Cast
	wish := notices.Wish{Text: notices.Denial, Choice: "plain", Level: notices.WholeSchool}
	var asked notices.Request
	in := func(fn func(context.Context, database.Tx) error) {
		t.Helper()
		if err := h.app.DB.InSchool(t.Context(), school, fn); err != nil {
			t.Fatal(err)
		}
	}
	in(func(ctx context.Context, tx database.Tx) error {
		seen, err := h.app.Notices.Preview(ctx, tx, school, wish, h.app.Clock.Now())
		if err != nil {
			return err
		}
		asked, err = h.app.Notices.Ask(ctx, tx, school, wish, seen.Counted, c.Head, page.Head, h.app.Clock.Now())
		return err
	})
	if _, body := h.send(t, page.Secretary, http.MethodGet, "/pupils"); !strings.Contains(body, "/notices/"+asked.ID) {
		t.Error("the office's pages do not say that an announcement waits")
	}
	if _, body := h.send(t, page.Operator, http.MethodGet, "/schools"); strings.Contains(body, "/notices/"+asked.ID) {
		t.Error("the operator is asked by a school that has three people of its own")
	}
	var letters []courier.Letter
	in(func(ctx context.Context, tx database.Tx) error {
		_, err := h.app.Notices.Confirm(ctx, tx, school, asked.ID, notices.Second{ID: c.CPE, Role: page.CPE}, h.app.Clock.Now())
		return err
	})
	if err := h.app.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	in(func(ctx context.Context, tx database.Tx) (err error) {
		letters, err = courier.About(ctx, tx, school, []string{asked.ID})
		return err
	})
	if len(letters) != asked.Addresses || letters[0].State != courier.Left {
		t.Fatalf("%d letters of %d", len(letters), asked.Addresses)
	}
	var b strings.Builder
	if err := h.app.Explain(t.Context(), &b, letters[0].Code, "fr"); err != nil || !strings.Contains(b.String(), "Démentir un message") || !strings.Contains(b.String(), "Accepté par l'opérateur") {
		t.Errorf("%v\n%s", err, b.String())
	}
	if status, body := h.send(t, page.Secretary, http.MethodGet, "/explain/"+letters[0].Code); status != http.StatusSeeOther || !strings.Contains(body, "/notices/"+asked.ID) {
		t.Errorf("%d %s", status, body)
	}
}
