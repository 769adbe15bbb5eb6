package directory_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// stop stops an address of the town's school as the courier does.
func (h *house) stop(t testing.TB, channel directory.Channel, address string) []string {
	t.Helper()
	var people []string
	h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
		points, err := directory.StopAddress(ctx, tx, s.ID, channel, address, "stop", tuesday)
		for _, p := range points {
			people = append(people, p.Person)
		}
		if err != nil {
			return err
		}
		return by(t).Stopped(ctx, tx, s.ID, points, "stop")
	})
	return people
}

func (h *house) addressOf(t testing.TB, point string) (address string) {
	t.Helper()
	if err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		p, err := directory.PointByID(ctx, tx, "alice-guy", point)
		address = p.Address
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return address
}

// STOP is of a number: it holds for everybody who has it, whatever a file or a hand says
// afterwards, until somebody notes who asked for messages again.
func TestStopAddress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		number := h.addressOf(t, "nadia-sms")
		share := func(person string) {
			h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return directory.Add(ctx, tx, directory.Batch{Contacts: []directory.ContactPoint{{School: s.ID, ID: person + "-same", Person: person, Channel: directory.SMS, Address: number, Source: "aaf"}}})
			})
		}
		share("karim")
		if got := h.stop(t, directory.SMS, number); !slices.Equal(got, []string{"karim", "nadia"}) {
			t.Fatalf("stopped for %v", got)
		}
		if got := h.told(t, "lea"); got != "nadia: email; karim: email" {
			t.Fatalf("after STOP: %s", got)
		}
		if got := h.stop(t, directory.SMS, number); len(got) != 0 {
			t.Errorf("STOP twice stops %v again", got)
		}
		if got := h.stop(t, directory.Email, number); len(got) != 0 {
			t.Errorf("another channel: %v", got)
		}
		if acts := h.acts(t, 0); !slices.Equal(acts, []string{"directory.point.stopped", "directory.task.opened", "directory.point.stopped", "directory.task.opened"}) {
			t.Errorf("the journal has %v", acts)
		}
		// The same number at another person, from a file or by hand, begins stopped.
		share("sylvie")
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			_, err := by(t).AddPoint(ctx, tx, s, "malo", "adeline", directory.SMS, number)
			return err
		})
		for pupil, want := range map[string]string{"ewen": "sylvie: email sms", "malo": "adeline: email sms"} {
			if got := h.told(t, pupil); got != want { // their other number
				t.Errorf("%s: %s, want %s", pupil, got, want)
			}
		}
		// Ended and typed in again, it stays stopped.
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			if err := by(t).EndPoint(ctx, tx, s.ID, "lea", "nadia-sms"); err != nil {
				return err
			}
			_, err := by(t).AddPoint(ctx, tx, s, "lea", "nadia", directory.SMS, number)
			return err
		})
		if got := h.told(t, "lea"); got != "nadia: email; karim: email" {
			t.Fatalf("typed in again: %s", got)
		}
		resume := func(note string) error {
			return h.do(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
				return by(t).ResumePoint(ctx, tx, s.ID, "lea", "nadia-sms", note)
			})
		}
		for _, note := range []string{"", "  \n ", "a\x00b", strings.Repeat("n", 121), "\xff"} {
			if err := resume(note); !errors.Is(err, directory.ErrNote) {
				t.Errorf("the note %.10q: %v", note, err)
			}
		}
		for range 2 {
			if err := resume(" elle l'a demandé, au téléphone "); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.told(t, "lea"); got != "nadia: email sms; karim: email sms" {
			t.Fatalf("after the note: %s", got)
		}
		if got := h.stop(t, directory.SMS, number); len(got) != 4 {
			t.Errorf("STOP again stops %v", got)
		}
	})
}

// Whose an address is, in one school and in all.
func TestPointsWith(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		number := h.addressOf(t, "nadia-sms")
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			return directory.Add(ctx, tx, directory.Batch{Contacts: []directory.ContactPoint{{School: "other", ID: "far-sms", Person: "far-adult", Channel: directory.SMS, Address: number, Source: "aaf"}}})
		})
		err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			points, err := directory.PointsWith(ctx, tx, "alice-guy", directory.SMS, number)
			if err != nil || len(points) != 1 || points[0].ID != "nadia-sms" {
				t.Errorf("%+v %v", points, err)
			}
			both := map[string]string{"alice-guy": number, "other": number}
			for from, want := range map[string]map[string]string{number: both, "0" + number[3:]: both, "+33639989999": {}, "anne@lointain.example": {}, "0": {}, "": {}} {
				if schools, err := directory.SchoolsOf(ctx, tx, from); err != nil || !maps.Equal(schools, want) {
					t.Errorf("%s: %v %v", from, schools, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := h.stop(t, directory.SMS, number); !slices.Equal(got, []string{"nadia"}) {
			t.Errorf("a STOP in one school stops %v", got)
		}
	})
}

// Whoever writes the SQL: a stopped point does not begin again without a word of why.
func TestGuardOfStoppedPoints(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.stop(t, directory.SMS, h.addressOf(t, "nadia-sms"))
		for _, q := range []string{
			"UPDATE directory_contacts SET stopped_at = NULL",
			"UPDATE directory_contacts SET stopped_at = NULL, stopped_why = ''",
			"UPDATE directory_contacts SET ended_at = NULL, stopped_at = NULL, stopped_why = 'stop' WHERE person = 'nadia'",
			"DELETE FROM directory_contacts WHERE stopped_at IS NOT NULL",
		} {
			if err := h.db.Statement(t.Context(), q); err == nil {
				t.Errorf("it went through: %s", q)
			}
		}
		if got := h.told(t, "lea"); got != "nadia: email; karim: email" {
			t.Error(got)
		}
	})
}

// The page of a pupil says who stopped, asks for another way, and takes the note.
func TestStoppedPage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.stop(t, directory.SMS, h.addressOf(t, "nadia-sms"))
		h.stop(t, directory.Email, h.addressOf(t, "karim-email"))
		_, text := h.get(t, "secretary", "/pupils/lea")
		for _, want := range []string{"STOP demandé le 24 novembre 2026 : plus de SMS", "l'adresse refuse nos messages depuis le 24 novembre 2026",
			"Nadia Benali ne veut plus de SMS", "L'adresse e-mail de Karim Benali ne reçoit plus rien", "Écrire de nouveau", "1 message"} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		if code, _ := h.post(t, "secretary", "/pupils/lea/points/nadia-sms/resume", "note", " "); code != http.StatusUnprocessableEntity {
			t.Errorf("without a note: %d", code)
		}
		if code, to := h.post(t, "secretary", "/pupils/lea/points/nadia-sms/resume", "note", "la mère, ce matin"); code != http.StatusSeeOther || to != "/pupils/lea?done=resumed" {
			t.Errorf("%d %s", code, to)
		}
		if got := h.told(t, "lea"); got != "nadia: email sms; karim:" {
			t.Error(got)
		}
		if code, _ := h.post(t, "secretary", "/pupils/malo/points/karim-email/resume", "note", "x"); code != http.StatusNotFound {
			t.Errorf("of another pupil's parent: %d", code)
		}
	})
}
