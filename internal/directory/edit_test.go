package directory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// by is the hand of these tests.
func by(t testing.TB) directory.Hand {
	return directory.Hand{Journal: theJournal(t), By: "a-office", Now: tuesday}
}

// do runs one change in the town's school and gives its error.
func (h *house) do(t testing.TB, fn func(context.Context, database.Tx, directory.School) error) error {
	t.Helper()
	return h.db.InSchool(t.Context(), "alice-guy", func(ctx context.Context, tx database.Tx) error {
		s, err := directory.SchoolByID(ctx, tx, "alice-guy")
		if err != nil {
			return err
		}
		return fn(ctx, tx, s)
	})
}

func (h *house) must(t testing.TB, fn func(context.Context, database.Tx, directory.School) error) {
	t.Helper()
	if err := h.do(t, fn); err != nil {
		t.Fatal(err)
	}
}

// acts lists what the journal says was done since a line, after checking its chain.
func (h *house) acts(t testing.TB, since int) []string {
	t.Helper()
	var acts []string
	err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		if _, faults, err := theJournal(t).Verify(ctx, tx, nil); err != nil || len(faults) > 0 {
			return fmt.Errorf("verify: %v %v", faults, err)
		}
		return tx.NewSelect().Model((*journal.Line)(nil)).Column("act").Where("j.school = ?", "alice-guy").Order("year", "seq").Scan(ctx, &acts)
	})
	if err != nil {
		t.Fatal(err)
	}
	return acts[since:]
}

// told writes who would be told of a pupil, and where: "nadia: email sms; karim: email".
func (h *house) told(t testing.TB, pupil string) string {
	t.Helper()
	var out []string
	err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		told, _, err := directory.MayBeTold(ctx, tx, "alice-guy", pupil, tuesday)
		for _, r := range told {
			one := r.Person.ID + ":"
			for _, p := range r.Points {
				one += " " + string(p.Channel)
			}
			out = append(out, one)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "; ")
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) { fn(t, openHouse(t, db)) })
}

func TestAddPoint(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		add := func(pupil, person string, channel directory.Channel, raw string) error {
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				_, err := by(t).AddPoint(ctx, tx, s, pupil, person, channel, raw)
				return err
			})
		}
		// What cannot be taken leaves nothing behind, not even a line.
		for _, c := range []struct {
			pupil, person string
			channel       directory.Channel
			raw           string
			want          error
		}{
			{"lea", "karim", directory.SMS, "", directory.ErrPhone},
			{"lea", "karim", directory.SMS, "0000000000", directory.ErrPhone},
			{"lea", "karim", directory.SMS, "06 39 98 01", directory.ErrPhone},
			{"lea", "karim", directory.SMS, "01 99 00 12 34", directory.ErrNoSMS},
			{"lea", "karim", directory.Phone, "demain", directory.ErrPhone},
			{"lea", "karim", directory.Email, "karim", directory.ErrEmail},
			{"lea", "karim", directory.Email, "a@b.example, c@d.example", directory.ErrEmail},
			{"lea", "karim", directory.Email, "a@b.example\nBcc: c@d.example", directory.ErrEmail},
			{"lea", "karim", "", "06 39 98 01 50", directory.ErrChannel},
			{"lea", "karim", "fax", "06 39 98 01 50", directory.ErrChannel},
			{"lea", "ronan", directory.SMS, "06 39 98 01 50", directory.ErrNotFound},  // another pupil's adult
			{"lea", "malo", directory.SMS, "06 39 98 01 50", directory.ErrNotFound},   // another pupil
			{"lea", "office", directory.SMS, "06 39 98 01 50", directory.ErrNotFound}, // staff
			{"karim", "karim", directory.SMS, "06 39 98 01 50", directory.ErrNotFound},
			{"lea", "far-adult", directory.SMS, "06 39 98 01 50", directory.ErrNotFound},
			{"far-pupil", "far-adult", directory.SMS, "06 39 98 01 50", directory.ErrNotFound},
			{"lea", "", directory.SMS, "06 39 98 01 50", directory.ErrNotFound},
			{"lea", "nadia", directory.Phone, "06 39 98 01 01", directory.ErrSameSMS},
		} {
			if err := add(c.pupil, c.person, c.channel, c.raw); !errors.Is(err, c.want) {
				t.Errorf("%s %s %s %q: %v, want %v", c.pupil, c.person, c.channel, c.raw, err, c.want)
			}
		}
		if acts := h.acts(t, 0); len(acts) != 0 {
			t.Fatalf("refusals left %v in the journal", acts)
		}
		if got := h.told(t, "lea"); got != "nadia: email sms; karim: email" {
			t.Fatalf("before: %s", got)
		}
		for range 2 { // the button pressed twice
			if err := add("lea", "karim", directory.SMS, " 06.39.98.01-50 "); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.told(t, "lea"); got != "nadia: email sms; karim: email sms" {
			t.Errorf("after: %s", got)
		}
		if got := h.told(t, "sami"); got != "nadia: email sms; karim: email sms" {
			t.Errorf("the brother's: %s", got)
		}
		if acts := h.acts(t, 0); !slices.Equal(acts, []string{"directory.point.added"}) {
			t.Errorf("the journal has %v", acts)
		}
		p := h.circle(t, "lea").Near[1].Used()[1]
		if p.Address != "+33639980150" || p.Raw != "06.39.98.01-50" || p.Source != directory.ByHand || !p.VerifiedAt.IsZero() {
			t.Errorf("kept as %+v", p)
		}
	})
}

// A number that was only telephoned, and now takes SMS, stands once.
func TestAddPointReplacesItself(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, ch := range []directory.Channel{directory.Phone, directory.SMS} {
			h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				_, err := by(t).AddPoint(ctx, tx, s, "awa", "lamine", ch, "06 39 98 01 51")
				return err
			})
		}
		n, _ := h.circle(t, "awa").Adult("lamine")
		if got := n.Current(); len(got) != 1 || got[0].Point.Channel != directory.SMS {
			t.Errorf("he has %+v", got)
		}
	})
}

func TestEndAndVerifyPoint(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		end := func(pupil, point string) error {
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).EndPoint(ctx, tx, s.ID, pupil, point)
			})
		}
		verify := func(pupil, point string) error {
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).VerifyPoint(ctx, tx, s.ID, pupil, point)
			})
		}
		for _, c := range [][2]string{{"lea", "ronan-sms"}, {"lea", "far-point"}, {"lea", "no-such"}, {"far-pupil", "far-point"}, {"malo", "nadia-sms"}} {
			if err := end(c[0], c[1]); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("end %v: %v", c, err)
			}
			if err := verify(c[0], c[1]); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("verify %v: %v", c, err)
			}
		}
		for range 2 {
			if err := end("lea", "nadia-sms"); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.told(t, "lea"); got != "nadia: email; karim: email" {
			t.Errorf("after the end: %s", got)
		}
		if _, ok := errors.AsType[*page.Refusal](verify("lea", "nadia-sms")); !ok {
			t.Error("what has ended was verified")
		}
		for range 2 {
			if err := verify("lea", "nadia-email"); err != nil {
				t.Fatal(err)
			}
		}
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			_, err := by(t).AddPoint(ctx, tx, s, "lea", "nadia", directory.SMS, "06 39 98 01 01")
			return err
		})
		if got := h.told(t, "lea"); got != "nadia: email sms; karim: email" {
			t.Errorf("begun again: %s", got)
		}
		want := []string{"directory.point.ended", "directory.point.verified", "directory.point.added"}
		if acts := h.acts(t, 0); !slices.Equal(acts, want) {
			t.Errorf("the journal has %v, want %v", acts, want)
		}
	})
}

// An adult's number that is the pupil's own is a task until somebody verified it or
// ended it.
func TestSameNumberIsATask(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		open := func() (kinds []string) {
			for _, task := range h.circle(t, "nora").Tasks {
				kinds = append(kinds, task.Kind+" "+task.Person)
			}
			return kinds
		}
		own := h.circle(t, "nora").Own[0]
		var p directory.ContactPoint
		add := func() {
			h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) (err error) {
				p, err = by(t).AddPoint(ctx, tx, s, "nora", "tarek", directory.SMS, own.Address)
				return err
			})
		}
		add()
		add()
		// A second doubtful address is the same task.
		for _, person := range []string{"nora", "tarek"} {
			h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				_, err := by(t).AddPoint(ctx, tx, s, "nora", person, directory.Email, "famille@haddad.example")
				return err
			})
		}
		if got := open(); !slices.Equal(got, []string{"same-number tarek"}) {
			t.Fatalf("tasks %v", got)
		}
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			n, _ := h.circleIn(ctx, tx, "nora").Adult("tarek")
			for _, p := range n.Points {
				if p.Point.Channel == directory.Email {
					return by(t).EndPoint(ctx, tx, s.ID, "nora", p.Point.ID)
				}
			}
			return errors.New("no second address")
		})
		if got := open(); len(got) != 1 {
			t.Fatalf("one of two doubts settled: tasks %v", got)
		}
		if got := h.told(t, "nora"); got != "tarek: sms" {
			t.Fatalf("the doubtful number is used: %s", got)
		}
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			return by(t).VerifyPoint(ctx, tx, s.ID, "nora", p.ID)
		})
		if got := open(); len(got) != 0 {
			t.Errorf("verified, and still %v", got)
		}
		if got := h.told(t, "nora"); got != "tarek: sms sms" {
			t.Errorf("verified: %s", got)
		}
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			return by(t).EndPoint(ctx, tx, s.ID, "nora", p.ID)
		})
		add() // begins again, unverified
		if got := open(); len(got) != 1 {
			t.Errorf("begun again: %v", got)
		}
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			return by(t).EndPoint(ctx, tx, s.ID, "nora", p.ID)
		})
		if got := open(); len(got) != 0 {
			t.Errorf("ended, and still %v", got)
		}
		// The other way round: the pupil gets the number that the adult already has.
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			n, _ := directory.PointByID(ctx, tx, s.ID, "tarek-sms")
			_, err := by(t).AddPoint(ctx, tx, s, "nora", "nora", directory.SMS, n.Address)
			return err
		})
		if got := open(); !slices.Equal(got, []string{"same-number tarek"}) {
			t.Errorf("the pupil's new number: %v", got)
		}
	})
}

func TestChoose(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		choose := func(pupil, adult string, chosen bool) error {
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).Choose(ctx, tx, s, pupil, adult, chosen)
			})
		}
		for _, c := range []struct {
			pupil, adult string
			want         error
		}{{"lea", "karim", directory.ErrLegal}, {"lea", "aunt", directory.ErrNotFound}, {"lea", "lea", directory.ErrNotFound}, {"grown", "grown", directory.ErrNotFound},
			{"far-pupil", "far-adult", directory.ErrNotFound}, {"", "", directory.ErrNotFound}} {
			for _, chosen := range []bool{true, false} {
				if err := choose(c.pupil, c.adult, chosen); !errors.Is(err, c.want) {
					t.Errorf("%v %v: %v", c, chosen, err)
				}
			}
		}
		if got := h.told(t, "grown"); got != "grown: sms; mum: email" {
			t.Fatalf("before: %s", got)
		}
		for range 2 {
			if err := choose("grown", "aunt", true); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.told(t, "grown"); got != "grown: sms; mum: email; aunt:" {
			t.Errorf("chosen: %s", got)
		}
		n, _ := h.circle(t, "grown").Adult("aunt")
		if n.Link.ChosenBy != "a-office" || !n.Link.ChosenAt.Equal(tuesday) {
			t.Errorf("chosen by %q at %v", n.Link.ChosenBy, n.Link.ChosenAt)
		}
		for range 2 {
			if err := choose("grown", "aunt", false); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.told(t, "grown"); got != "grown: sms; mum: email" {
			t.Errorf("unchosen: %s", got)
		}
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			return by(t).RecordDecision(ctx, tx, s.ID, "grown", "aunt", directory.NewDecision{ID: "00000000000000000001", Reference: "RG 1", FromOn: "2026-11-24"})
		})
		if err := choose("grown", "aunt", true); !errors.Is(err, directory.ErrNotAllowed) {
			t.Errorf("a denied contact was chosen: %v", err)
		}
		if acts := h.acts(t, 0); !slices.Equal(acts, []string{"directory.chosen", "directory.unchosen", "directory.decision.recorded"}) {
			t.Errorf("the journal has %v", acts)
		}
	})
}

func TestAddAdult(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		good := directory.NewAdult{ID: "0123456789abcdefghjk", Last: " Le  Bihan ", First: "Yann", Kinship: "uncle", Level: directory.Carer}
		add := func(pupil string, change func(*directory.NewAdult)) error {
			a := good
			if change != nil {
				change(&a)
			}
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).AddAdult(ctx, tx, s, pupil, a)
			})
		}
		for name, c := range map[string]struct {
			change func(*directory.NewAdult)
			want   error
		}{
			"no last name":  {func(a *directory.NewAdult) { a.Last = "  " }, directory.ErrLastName},
			"long":          {func(a *directory.NewAdult) { a.Last = strings.Repeat("x", 81) }, directory.ErrLastName},
			"an address":    {func(a *directory.NewAdult) { a.First = "<b>" }, directory.ErrFirstName},
			"bytes":         {func(a *directory.NewAdult) { a.First = "\xff\xfe" }, directory.ErrFirstName},
			"a bell":        {func(a *directory.NewAdult) { a.First = "a\x07" }, directory.ErrFirstName},
			"no kinship":    {func(a *directory.NewAdult) { a.Kinship = "" }, directory.ErrKinship},
			"free kinship":  {func(a *directory.NewAdult) { a.Kinship = "sa maladie" }, directory.ErrKinship},
			"no level":      {func(a *directory.NewAdult) { a.Level = "" }, directory.ErrLevel},
			"another level": {func(a *directory.NewAdult) { a.Level = "all" }, directory.ErrLevel},
		} {
			if err := add("lea", c.change); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		for _, id := range []string{"", "short", "0123456789ABCDEFGHJK", "../../etc/passwd....", strings.Repeat("0", 400)} {
			if err := add("lea", func(a *directory.NewAdult) { a.ID = id }); err == nil {
				t.Errorf("the id %q was taken", id)
			}
		}
		for _, pupil := range []string{"karim", "far-pupil", "office", ""} {
			if err := add(pupil, nil); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("for %q: %v", pupil, err)
			}
		}
		for range 2 {
			if err := add("lea", nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := add("malo", nil); err == nil {
			t.Error("another pupil's form took the same adult")
		}
		n, ok := h.circle(t, "lea").Adult(good.ID)
		if !ok || n.Person.LastName != "Le Bihan" || n.Told || n.Why != directory.NotChosen || n.Link.Source != directory.ByHand || n.Link.SourceDate != "2026-11-24" {
			t.Errorf("kept as %+v", n)
		}
		if _, ok := h.circle(t, "sami").Adult(good.ID); ok {
			t.Error("the brother has the adult too")
		}
		if err := h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			return by(t).EndLink(ctx, tx, s.ID, "lea", "karim")
		}); !errors.Is(err, directory.ErrFromFile) {
			t.Errorf("a file's adult was taken back: %v", err)
		}
		for range 2 {
			h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).EndLink(ctx, tx, s.ID, "lea", good.ID)
			})
		}
		if err := h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			_, err := by(t).AddPoint(ctx, tx, s, "lea", good.ID, directory.SMS, "06 39 98 01 52")
			return err
		}); !errors.Is(err, directory.ErrLinkEnded) {
			t.Errorf("somebody who was taken back got a number: %v", err)
		}
		if acts := h.acts(t, 0); !slices.Equal(acts, []string{"directory.adult.added", "directory.adult.ended"}) {
			t.Errorf("the journal has %v", acts)
		}
	})
}

func TestSettings(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		good := directory.Settings{ShortName: "Lycée A-Guy", Phone: "01 99 00 10 01", Lang: "en"}
		save := func(change func(*directory.Settings)) error {
			set := good
			if change != nil {
				change(&set)
			}
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).SaveSettings(ctx, tx, s.ID, set)
			})
		}
		for name, c := range map[string]struct {
			change func(*directory.Settings)
			want   error
		}{
			"no name":       {func(s *directory.Settings) { s.ShortName = " " }, directory.ErrShortName},
			"long name":     {func(s *directory.Settings) { s.ShortName = strings.Repeat("a", 21) }, directory.ErrShortName},
			"not GSM":       {func(s *directory.Settings) { s.ShortName = "Forêt" }, directory.ErrShortName},
			"a number less": {func(s *directory.Settings) { s.Phone = "01 99 00" }, directory.ErrOwnPhone},
			"words":         {func(s *directory.Settings) { s.Phone = "rappelez au 01 99 00 10 01 ou au 01 99 00 10 02" }, directory.ErrOwnPhone},
			"language":      {func(s *directory.Settings) { s.Lang = "xx" }, directory.ErrLang},
		} {
			if err := save(c.change); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		for range 2 {
			if err := save(nil); err != nil {
				t.Fatal(err)
			}
		}
		if s := h.circle(t, "lea").School; s.ShortName != good.ShortName || s.Phone != good.Phone || s.Lang != "en" || s.Name != "Lycée Alice-Guy" {
			t.Errorf("kept as %+v", s)
		}
		if acts := h.acts(t, 0); !slices.Equal(acts, []string{"directory.settings"}) {
			t.Errorf("the journal has %v", acts)
		}
	})
}

// The same form sent eight times at once is one adult, one decision, one objection, one
// contact point, one task, one line each.
func TestPressedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for _, change := range []func(context.Context, database.Tx, directory.School) error{
					func(ctx context.Context, tx database.Tx, s directory.School) error {
						return by(t).AddAdult(ctx, tx, s, "lea", directory.NewAdult{ID: "0123456789abcdefghjk", Last: "Le Bihan", First: "Yann", Kinship: "uncle", Level: directory.Carer})
					},
					func(ctx context.Context, tx database.Tx, s directory.School) error {
						return by(t).RecordDecision(ctx, tx, s.ID, "lea", "karim", directory.NewDecision{ID: "00000000000000000001", Reference: "RG 1", FromOn: "2026-11-24"})
					},
					func(ctx context.Context, tx database.Tx, s directory.School) error {
						return by(t).RecordObjection(ctx, tx, s, "grown", "lettre")
					},
					func(ctx context.Context, tx database.Tx, s directory.School) error {
						_, err := by(t).AddPoint(ctx, tx, s, "nora", "tarek", directory.SMS, "06 39 98 01 53")
						return err
					},
				} {
					if err := h.do(t, change); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		acts := h.acts(t, 0)
		slices.Sort(acts)
		want := []string{"directory.adult.added", "directory.decision.recorded", "directory.objection.recorded", "directory.point.added", "directory.task.opened"}
		if !slices.Equal(acts, want) {
			t.Errorf("the journal has %v, want %v", acts, want)
		}
	})
}
