package attendance

import (
	"context"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// The office changes what a teacher marked only with a reason, which the teacher reads; the
// words beside it are the office's. A teacher's own correction never needs one.
func TestTheOfficesCorrectionSaysWhy(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 6)
		lea, zoe := w.pupils[1], w.pupils[4]
		if res, _ := w.ask("roy", "POST", "/roll/maths", w.form("roy", maths, map[string]string{lea: "absent"})); res.StatusCode != 303 {
			t.Fatalf("the roll: %d", res.StatusCode)
		}
		if res, _ := w.ask("roy", "POST", "/roll/maths", w.form("roy", maths, map[string]string{lea: "absent", zoe: "absent"})); res.StatusCode != 303 {
			t.Errorf("the teacher's own correction: %d", res.StatusCode)
		}
		correct := func(who string, pairs ...string) (int, string) {
			form := w.form(who, maths, map[string]string{lea: "present"})
			for i := 0; i+1 < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			res, body := w.ask(who, "POST", "/roll/maths", form)
			return res.StatusCode, body
		}
		for what, pairs := range map[string][]string{
			"nothing":           nil,
			"no reason of ours": {"why", "because"},
			"something else":    {"why", "other", "words", "  "},
			"too many words":    {"why", "slip", "words", strings.Repeat("é", 201)},
		} {
			if code, body := correct("office", pairs...); code != 422 || !strings.Contains(body, "dites pourquoi vous corrigez") {
				t.Errorf("%s: %d", what, code)
			}
		}
		if k := w.current(maths)[lea]; k.Value != Absent {
			t.Fatalf("refused, and marked: %+v", k)
		}
		// Where nothing is changed nothing need be said.
		if res, _ := w.ask("office", "POST", "/roll/maths", w.form("office", maths, nil)); res.StatusCode != 303 {
			t.Errorf("nothing changed: %d", res.StatusCode)
		}
		if code, body := correct("office", "why", "seen", "words", "vue au portail"); code != 303 {
			t.Fatalf("with a reason: %d %s", code, body)
		}
		if k := w.current(maths)[lea]; k.Value != Present || k.Origin != FromOffice {
			t.Errorf("the mark is %+v", k)
		}
		_, teacher := w.ask("roy", "GET", "/roll/maths", nil)
		if !strings.Contains(teacher, "Corrigé par Odile Ferrand à") || !strings.Contains(teacher, "élève vu par un adulte") || strings.Contains(teacher, "portail") {
			t.Errorf("what the teacher reads: %s", teacher)
		}
		if _, office := w.ask("office", "GET", "/roll/maths", nil); !strings.Contains(office, "(vue au portail)") {
			t.Errorf("the office does not read its own words")
		}
		w.schemaKeepsCorrections(w.current(maths)[zoe].N, w.current(maths)[lea].N)
	})
}

// schemaKeepsCorrections attacks what the schema holds.
func (w *world) schemaKeepsCorrections(roll, corrected int64) {
	w.t.Helper()
	for what, query := range map[string]string{
		"a mark of the roll has a reason": "INSERT INTO attendance_corrections (school, n, why) SELECT school, n, 'slip' FROM attendance_marks WHERE n = ? AND origin = 'roll'",
		"a second reason":                 "INSERT INTO attendance_corrections (school, n, why) SELECT school, n, 'slip' FROM attendance_marks WHERE n = ?",
		"another reason":                  "UPDATE attendance_corrections SET why = 'slip' WHERE n = ?",
		"no reason any more":              "DELETE FROM attendance_corrections WHERE n = ?",
	} {
		n := corrected
		if strings.HasPrefix(what, "a mark") {
			n = roll
		}
		err := w.db.Write(w.t.Context(), func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewRaw(query, n).Exec(ctx)
			return err
		})
		if err == nil {
			w.t.Errorf("%s, and the schema takes it", what)
		}
	}
	if w.db.Engine() == database.Postgres {
		return
	}
	err := w.db.Write(w.t.Context(), func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewRaw("INSERT OR REPLACE INTO attendance_corrections (school, n, why) SELECT school, n, 'slip' FROM attendance_marks WHERE n = ?", corrected).Exec(ctx)
		return err
	})
	if err == nil {
		w.t.Errorf("a reason is replaced by another")
	}
}
