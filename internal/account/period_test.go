package account_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// replaced opens a CPE's account for Camille Roy, who replaces somebody for a week, and
// signs her in.
func (o *office) replaced(t *testing.T, p account.Period) (a account.Account, code string, err error) {
	t.Helper()
	err = o.at(t, page.Head, func(ctx context.Context, tx database.Tx, d account.Desk, s directory.School) (err error) {
		a, code, err = d.OpenFor(ctx, tx, s, "roy", page.CPE, p)
		return err
	})
	return a, code, err
}

// enter gives the browser of whoever holds a code.
func (o *office) enter(t *testing.T, code string) (*http.Request, int) {
	t.Helper()
	w := o.answer("", "POST", "/first-sign-in", "step", "choose", "code", code, "password", "un préau sous la pluie", "again", "un préau sous la pluie")
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	return r, w.Code
}

// A role that is over stops at once, on every node, whatever its session; and does not come
// back with the session that was left open when it is given again.
func TestARoleIsHeldForAPeriod(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		a, code, err := o.replaced(t, account.Period{From: "2026-11-23", Until: "2026-11-27"})
		if err != nil {
			t.Fatal(err)
		}
		r, status := o.enter(t, code)
		if status != http.StatusSeeOther {
			t.Fatalf("first sign-in: %d", status)
		}
		other, err := account.NewKeeper(account.Settings{DB: o.db, Key: bytes.Repeat([]byte{2}, 32), Clock: func() time.Time { return peopleDay },
			Cost: account.Cost{Memory: 64, Passes: 1, Threads: 1}, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		in := func() [2]bool {
			v, here := o.keeper.Viewer(r)
			_, there := other.Viewer(r)
			if here && v.Role != page.CPE {
				t.Errorf("she is %s", v.Role)
			}
			return [2]bool{here, there}
		}
		if in() != [2]bool{true, true} {
			t.Fatal("in her week she is not in")
		}
		period := func(from, until string) error {
			return o.at(t, page.Head, func(ctx context.Context, tx database.Tx, d account.Desk, s directory.School) error {
				return d.ChangePeriod(ctx, tx, s, a.ID, account.Period{From: from, Until: until})
			})
		}
		// The week is over: nobody closed her session, and it is worth nothing on any node.
		o.raw(t, "UPDATE account_accounts SET until_on = '2026-11-23' WHERE id = ?", a.ID)
		if in() != [2]bool{false, false} {
			t.Error("her role is over, and she is in")
		}
		if w := o.answer("", "POST", "/sign-in", "identifier", a.Identifier, "password", "un préau sous la pluie"); w.Code != http.StatusForbidden || !strings.Contains(page.Plain(w.Body.String()), "Ce rôle n'est pas en cours aujourd'hui") {
			t.Errorf("her role is over, and the sign-in answers %d", w.Code)
		}
		if err := period("2026-11-23", "2026-11-27"); err != nil {
			t.Fatal(err)
		}
		if in() != [2]bool{false, false} {
			t.Error("the session that was open came back with the role")
		}
		if w := o.answer("", "POST", "/sign-in", "identifier", a.Identifier, "password", "un préau sous la pluie"); w.Code != http.StatusSeeOther {
			t.Errorf("in her week again, the sign-in answers %d", w.Code)
		}
		if err := period("2026-11-25", ""); err != nil {
			t.Fatal(err)
		}
		var open int
		o.row(t, &open, "SELECT count(*) FROM account_sessions WHERE account = ? AND revoked_at IS NULL", a.ID)
		if open != 0 {
			t.Errorf("her role begins tomorrow, and %d sessions are open", open)
		}
		want := []string{"account.opened", "account.code", "account.code-used", "account.period", "account.period"}
		if got := o.acts(t, "alice-guy"); !slices.Equal(got, want) {
			t.Errorf("the journal has %v, want %v", got, want)
		}
	})
}

func (o *office) raw(t *testing.T, query string, args ...any) error {
	t.Helper()
	return o.db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewRaw(query, args...).Exec(ctx)
		return err
	})
}

func (o *office) row(t *testing.T, into any, query string, args ...any) {
	t.Helper()
	err := o.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error { return tx.NewRaw(query, args...).Scan(ctx, into) })
	if err != nil {
		t.Fatal(err)
	}
}

// Before its first day a role signs nobody in, and the code of the letter is still good.
func TestARoleBeginsOnItsDay(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		_, code, err := o.replaced(t, account.Period{From: "2026-11-25"})
		if err != nil {
			t.Fatal(err)
		}
		if _, status := o.enter(t, code); status != http.StatusForbidden {
			t.Errorf("the day before: %d, want 403", status)
		}
		o.raw(t, "UPDATE account_accounts SET from_on = '2026-11-24' WHERE role = 'cpe' AND person = 'roy'")
		if _, status := o.enter(t, code); status != http.StatusSeeOther {
			t.Errorf("on the day, with the same code: %d", status)
		}
	})
}

func TestPeriodRefusals(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		for _, c := range []struct {
			p    account.Period
			want error
		}{
			{account.Period{}, account.ErrFrom},
			{account.Period{From: "demain"}, account.ErrFrom},
			{account.Period{From: "2026-11-31"}, account.ErrFrom},
			{account.Period{From: "2026-11-24", Until: "2026-11-23"}, account.ErrUntil},
			{account.Period{From: "2026-11-24", Until: "x"}, account.ErrUntil},
		} {
			if _, _, err := o.replaced(t, c.p); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v, want %v", c.p, err, c.want)
			}
		}
		a, _, err := o.replaced(t, account.Period{From: "2026-11-24", Until: "2026-11-24"})
		if err != nil {
			t.Fatal(err)
		}
		lea, _, err := o.openFor(t, page.Head, "lea", page.Pupil)
		if err != nil {
			t.Fatal(err)
		}
		change := func(by page.Role, id string) error {
			return o.at(t, by, func(ctx context.Context, tx database.Tx, d account.Desk, s directory.School) error {
				return d.ChangePeriod(ctx, tx, s, id, account.Period{From: "2026-11-24"})
			})
		}
		for what, c := range map[string][2]error{
			"a CPE makes a CPE's longer":    {change(page.CPE, a.ID), account.ErrNotYours},
			"a secretary":                   {change(page.Secretary, a.ID), account.ErrNotYours},
			"a pupil's role has no period":  {change(page.Head, lea.ID), account.ErrRole},
			"there is no such account":      {change(page.Head, "nobody"), account.ErrNone},
			"what is of the other school's": {change(page.Head, "far"), account.ErrNone},
		} {
			if !errors.Is(c[0], c[1]) {
				t.Errorf("%s: %v, want %v", what, c[0], c[1])
			}
		}
		// What the schema holds itself.
		for what, query := range map[string]string{
			"it ends before it begins": "UPDATE account_accounts SET from_on = '2026-11-25' WHERE id = '" + a.ID + "'",
			"a role that there is not": "UPDATE account_accounts SET role = 'office' WHERE id = '" + a.ID + "'",
			"an operator has an end":   "INSERT INTO account_accounts (id, role, identifier, created_at, until_on) VALUES ('op', 'operator', 'op', '2026-11-24', '2026-11-24')",
		} {
			if o.raw(t, query) == nil {
				t.Errorf("%s, and the schema takes it", what)
			}
		}
	})
}

// The page shows the dates, takes others, and says beside the field what is wrong with them.
func TestThePageOfARolesDates(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		a, _, err := o.replaced(t, account.Period{From: "2026-11-23", Until: "2026-11-27"})
		if err != nil {
			t.Fatal(err)
		}
		if _, body := o.send(t, "head", "GET", "/people/roy/accounts"); !strings.Contains(body, "Du 23 novembre 2026 au 27 novembre 2026 inclus") {
			t.Errorf("the page does not say when: %s", body)
		}
		code, body := o.send(t, "head", "POST", "/accounts/"+a.ID, "do", "period", "from", "2026-11-23", "until", "2026-11-20")
		if code != http.StatusUnprocessableEntity || !strings.Contains(body, "Le dernier jour ne peut pas venir avant le premier.") {
			t.Errorf("dates in disorder: %d %s", code, body)
		}
		if code, to := o.send(t, "head", "POST", "/accounts/"+a.ID, "do", "period", "from", "2026-11-16", "until", "2026-11-20"); code != http.StatusSeeOther || to != "/people/roy/accounts?done=period" {
			t.Errorf("other dates: %d %s", code, to)
		}
		if _, body := o.send(t, "head", "GET", "/accounts"); !strings.Contains(body, "CPE · terminé") {
			t.Errorf("the list does not say that it is over")
		}
		if code, _ := o.send(t, "head", "POST", "/people/roy/accounts", "role", "supervisor", "from", "2026-11-24", "until", "2026-11-23"); code != http.StatusUnprocessableEntity {
			t.Errorf("an account of dates in disorder: %d", code)
		}
	})
}

// A secretary opens families' accounts, and sees none of the staff's.
func TestASecretarysAccounts(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		code, body := o.send(t, "secretary", "GET", "/accounts")
		if code != 200 || strings.Contains(body, "Ferrand") || !strings.Contains(body, "Benali") {
			t.Errorf("a secretary's list: %d %s", code, body)
		}
		if code, _ := o.send(t, "secretary", "GET", "/people/roy/accounts"); code != http.StatusNotFound {
			t.Errorf("a teacher's accounts: %d, want 404", code)
		}
		if code, _ := o.send(t, "secretary", "POST", "/people/roy/accounts", "role", "teacher"); code != http.StatusNotFound {
			t.Errorf("opening a teacher's: %d, want 404", code)
		}
		if code, _ := o.send(t, "secretary", "GET", "/accounts/staff"); code != http.StatusForbidden {
			t.Errorf("adding staff: %d, want 403", code)
		}
		if code, body := o.send(t, "secretary", "POST", "/people/nadia/accounts", "role", "guardian"); code != 200 || codeOnPage.FindString(body) == "" {
			t.Errorf("a guardian's letter: %d %s", code, body)
		}
	})
}
