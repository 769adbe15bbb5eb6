package directory_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

func (h *house) toldOfAny(t testing.TB, pupils ...string) string {
	t.Helper()
	var out []string
	h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
		told, err := directory.MayBeToldOfAny(ctx, tx, s.ID, pupils, at)
		for _, r := range told {
			line := r.Person.ID + ":"
			for _, p := range r.Points {
				line += " " + string(p.Channel)
			}
			out = append(out, line)
		}
		return err
	})
	return strings.Join(out, "; ")
}

// at is the moment of the house's Tuesday.
var at = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// Each person once, however many children; a court's decision about one of the pupils
// wins over the right to be told of another.
func TestMayBeToldOfAny(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if got := h.toldOfAny(t, "lea", "sami", "malo"); got != "adeline: email sms; karim: email; nadia: email sms" {
			t.Errorf("%s", got)
		}
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			return by(t).RecordDecision(ctx, tx, s.ID, "lea", "karim", directory.NewDecision{ID: "0123456789abcdefghjk", Reference: "1", FromOn: "2026-11-24"})
		})
		for pupils, want := range map[string]string{
			"lea sami": "nadia: email sms",
			"lea":      "nadia: email sms",
			"sami":     "karim: email; nadia: email sms", // a message that is not about Léa
			"":         "",
			"nobody":   "",
		} {
			if got := h.toldOfAny(t, strings.Fields(pupils)...); got != want {
				t.Errorf("%s: %s", pupils, got)
			}
		}
	})
}

func TestPupilsAround(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.must(t, func(ctx context.Context, tx database.Tx, s directory.School) error {
			for people, want := range map[string]string{"nadia": "lea sami", "nadia adeline lea": "lea malo sami", "": "", "office": ""} {
				got, err := directory.PupilsAround(ctx, tx, s.ID, strings.Fields(people))
				if err != nil || strings.Join(got, " ") != want {
					t.Errorf("%s: %v %v", people, got, err)
				}
			}
			return nil
		})
	})
}

func TestYearOf(t *testing.T) {
	for label, want := range map[string]string{
		"2de 3": "2de", "1re 5": "1re", "Tle 1": "Tle", "6A": "6", "6E": "6", "601": "6", "6e A": "6e", "6EME B": "6EME", "CE1 B": "CE1", "CE1": "CE1", "cm2": "cm2", "CP": "CP",
		"TG1": "TG", "TSTMG2": "TSTMG", "1STMG-2": "1STMG", "2DE3": "2DE", "ULIS": "ULIS", "": "", " ": "", "5": "5", "  3e   2 ": "3e", "é2": "é",
	} {
		if got := directory.YearOf(label); got != want {
			t.Errorf("%q: %q, want %q", label, got, want)
		}
		if strings.ContainsAny(directory.YearOf(label), " \t\n") {
			t.Errorf("%q: a level with a space", label)
		}
	}
}
