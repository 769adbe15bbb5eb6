package attendance

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// deliver sends what a device of somebody kept, and gives the answers.
func (w *world) deliver(as, account string, saves ...lateSave) (int, []lateAnswer) {
	w.t.Helper()
	body, err := json.Marshal(lateSaves{Account: account, Saves: saves})
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/roll/late", strings.NewReader(string(body)))
	r.Header.Set("Accept-Language", "fr")
	r.AddCookie(&http.Cookie{Name: "as", Value: as})
	rec := httptest.NewRecorder()
	w.site().ServeHTTP(rec, r)
	var answers []lateAnswer
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &answers); err != nil {
			w.t.Fatal(err)
		}
		for i := range answers {
			answers[i].Text = page.Plain(answers[i].Text)
		}
	}
	return rec.Code, answers
}

// kept is a save as a device keeps it, pressed some time ago.
func kept(key string, ago time.Duration, form url.Values) lateSave {
	return lateSave{Key: key + "-0123456789abcdef", Sitting: maths, Age: ago.Milliseconds(), Form: form.Encode()}
}

func (w *world) count(table string) (n int) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Table(table).ColumnExpr("count(*)").Scan(ctx, &n)
	})
	return n
}

// TestALateRollCountsOnce: delivered twice, and by the form first, one save makes the marks
// of one, which say when it was pressed.
func TestALateRollCountsOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 5)
		lea := w.pupils[1]
		form := w.form("roy", maths, map[string]string{lea: "absent"})
		w.now = w.at(8, 40)
		save := kept("first", 33*time.Minute, form)
		for range 3 {
			code, answers := w.deliver("roy", "a-roy", save)
			want := lateAnswer{Key: save.Key, State: lateSaved, Text: "Envoyé à 8 h 40 (appel de 8 h 07)", Page: "/roll/maths?saved=1"}
			if code != http.StatusOK || len(answers) != 1 || answers[0] != want {
				t.Fatalf("%d %+v, want %+v", code, answers, want)
			}
			if n := w.count("attendance_marks"); n != 5 {
				t.Fatalf("%d marks", n)
			}
			w.now = w.now.Add(0)
		}
		k := w.current(maths)[lea]
		if k.Value != Absent || !k.At.Equal(w.at(8, 7)) || !k.KnownAt().Equal(w.at(8, 40)) || k.By != "a-roy" || k.Origin != FromRoll {
			t.Errorf("the mark: %+v", k)
		}
		// The same key by the form of the page: the first answer was lost on its way.
		form.Set("key", save.Key)
		form.Set("v-"+w.pupils[2], "absent")
		if res, _ := w.ask("roy", "POST", "/roll/maths", form); res.Header.Get("Location") != "/roll/maths?saved=1" || w.count("attendance_marks") != 5 {
			t.Errorf("by the form: %d, %d marks", res.StatusCode, w.count("attendance_marks"))
		}
		// Another person's key is another key.
		if _, answers := w.deliver("cpe", "a-cpe", save); answers[0].State != lateSaved || w.count("attendance_saves") != 2 {
			t.Errorf("another person: %+v, %d receipts", answers, w.count("attendance_saves"))
		}
	})
}

// TestTheSchemaKnowsAKeyOnce: whatever the code does.
func TestTheSchemaKnowsAKeyOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 1)
		insert := func() error {
			return db.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
				_, err := tx.NewInsert().Model(&receipt{School: school, By: "a-roy", Key: "k", Sitting: maths, MadeAt: w.now, ReceivedAt: w.now}).Exec(ctx)
				return err
			})
		}
		if err := insert(); err != nil {
			t.Fatal(err)
		}
		if insert() == nil {
			t.Error("the same key twice")
		}
	})
}

// TestLateRollsInOrder: two saves of one device, the second pressed on the copy that showed
// the first, are one hand: absent, then present after all.
func TestLateRollsInOrder(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 5)
		lea, zoe := w.pupils[1], w.pupils[4]
		first := kept("first", 30*time.Minute, w.form("roy", maths, map[string]string{lea: "absent"}))
		second := kept("second", 20*time.Minute, w.form("roy", maths, map[string]string{zoe: "late 8"}))
		second.After = first.Key
		w.now = w.at(8, 40)
		_, answers := w.deliver("roy", "a-roy", first, second)
		if answers[0].State != lateSaved || answers[1].State != lateSaved {
			t.Errorf("%+v", answers)
		}
		marks := w.current(maths)
		if marks[lea].Value != Present || marks[zoe].Value != Late || !marks[lea].At.Equal(w.at(8, 20)) {
			t.Errorf("%+v %+v", marks[lea], marks[zoe])
		}
	})
}

// TestALateRollOverwritesNobody: what the office noted meanwhile stays, the page says who
// and what, and what was noted on the telephone.
func TestALateRollOverwritesNobody(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 5)
		lea, zoe, ines := w.pupils[1], w.pupils[4], w.pupils[0]
		save := kept("first", 33*time.Minute, w.form("roy", maths, map[string]string{lea: "absent", zoe: "late 5"}))
		w.now = w.at(8, 20)
		w.save(maths, "a-office", Entry{Pupil: lea, Value: Late, Minutes: 12}, Entry{Pupil: ines, Value: Absent}, Entry{Pupil: zoe, Value: Late, Minutes: 5})
		w.now = w.at(8, 40)
		_, answers := w.deliver("roy", "a-roy", save)
		if answers[0].State != lateReview || answers[0].Text != "À revoir : 2 élèves changés entre-temps" {
			t.Fatalf("%+v", answers)
		}
		marks := w.current(maths)
		if marks[lea].Value != Late || marks[ines].Value != Absent || marks[lea].By != "a-office" || len(marks) != 5 {
			t.Errorf("%+v", marks)
		}
		_, body := w.ask("roy", "GET", answers[0].Page, nil)
		for _, want := range []string{"Odile Ferrand a noté entre-temps", "Léa B. : retard de 12 min (gardé) ; vous aviez noté : absence", "Inès A. : absence (gardé)</li>"} {
			if !strings.Contains(body, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		// So is a pupil named who is not in the sitting any more.
		gone := kept("gone", time.Minute, url.Values{"v-" + zoe: {"late"}, "m-" + zoe: {"5"}, "v-nobody": {"absent"}})
		for range 2 {
			if _, a := w.deliver("roy", "a-roy", gone); a[0].State != lateReview || a[0].Text != "À revoir : 1 élève changé entre-temps" {
				t.Errorf("%+v", a)
			}
		}
		// Delivered again, it is answered alike.
		if _, again := w.deliver("roy", "a-roy", save); !slices.Equal(again, answers) {
			t.Errorf("%+v, then %+v", answers, again)
		}
	})
}

// TestAnOlderHandOfOneself: the same person saved later at a computer: that stays.
func TestAnOlderHandOfOneself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.SQLite(t), 5)
	lea := w.pupils[1]
	save := kept("first", 33*time.Minute, w.form("roy", maths, map[string]string{lea: "absent"}))
	w.now = w.at(8, 30)
	w.save(maths, "a-roy", w.all()...)
	w.now = w.at(8, 40)
	if _, answers := w.deliver("roy", "a-roy", save); answers[0].State != lateReview || w.current(maths)[lea].Value != Present {
		t.Errorf("%+v %+v", answers, w.current(maths)[lea])
	}
}

// TestLateRollsThatAreNotTaken: each for its reason, and none keeps the next from being
// taken; nothing at all for another account.
func TestLateRollsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 5)
		good := w.form("roy", maths, nil)
		w.now = w.at(8, 40)
		if code, _ := w.deliver("petit", "a-roy", kept("theirs", time.Minute, good)); code != http.StatusForbidden {
			t.Errorf("another account: %d", code)
		}
		elsewhere, nowhere, early := kept("history", time.Minute, good), kept("nowhere", time.Minute, good), kept("early", time.Minute, w.form("roy", french, nil))
		elsewhere.Sitting, nowhere.Sitting, early.Sitting = history, foreign, french
		w.now = w.at(8, 41)
		_, answers := w.deliver("roy", "a-roy", elsewhere, nowhere, early, lateSave{Key: "x", Sitting: maths, Form: good.Encode()},
			kept("garbage", time.Minute, url.Values{"v-" + w.pupils[0]: {"gone"}}), kept("good", time.Minute, good))
		var states []string
		for _, a := range answers {
			states = append(states, a.State)
		}
		if want := []string{lateRefused, lateRefused, lateRefused, lateRefused, lateRefused, lateSaved}; !slices.Equal(states, want) {
			t.Errorf("%v: %+v", states, answers)
		}
		if !strings.HasPrefix(answers[0].Text, "N'a pas été pris : Ce n'est pas votre cours") {
			t.Errorf("%q", answers[0].Text)
		}
	})
}

// TestWhenALateRollWasMade: a device's clock is believed within the sitting's day.
func TestWhenALateRollWasMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.SQLite(t), 1)
	opens, now := w.at(7, 50), w.at(9, 0)
	for age, want := range map[time.Duration]time.Time{
		53 * time.Minute: w.at(8, 7), 0: now, -time.Hour: now, 2 * time.Hour: now, 10 * 24 * time.Hour: now, 1 << 62: now, -1 << 62: now,
	} {
		if got := madeAt(opens, now, age); !got.Equal(want) {
			t.Errorf("%v ago: %v, want %v", age, got, want)
		}
	}
	// The next day the roll of yesterday is taken as of yesterday; ten days later it is not.
	form := w.form("roy", maths, map[string]string{w.pupils[0]: "absent"})
	w.now = w.at(8, 7).AddDate(0, 0, 1)
	if _, answers := w.deliver("roy", "a-roy", kept("yesterday", 24*time.Hour, form)); answers[0].State != lateSaved || !w.current(maths)[w.pupils[0]].At.Equal(w.at(8, 7)) {
		t.Errorf("%+v", answers)
	}
	w.now = w.at(8, 7).AddDate(0, 0, 10)
	if _, answers := w.deliver("roy", "a-roy", kept("old", 240*time.Hour, form)); answers[0].State != lateRefused {
		t.Errorf("%+v", answers)
	}
}

// TestHowLongALateRollWasOpen: the time between opening and saving is what it was, so that
// a roll saved in two seconds still strikes.
func TestHowLongALateRollWasOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.SQLite(t), 2)
	form := w.form("roy", maths, nil)
	form.Set("opened", numbersOf(w.at(8, 7).Add(-2*time.Second).UnixMilli()))
	w.now = w.at(8, 40)
	w.deliver("roy", "a-roy", kept("fast", 33*time.Minute, form))
	w.read(func(ctx context.Context, tx database.Tx) error {
		r, _, err := rollOf(ctx, tx, school, maths)
		if d := r.SavedAt.Sub(r.OpenedAt); d != 2*time.Second || !r.SavedAt.Equal(w.now) {
			t.Errorf("open for %v, saved at %v", d, r.SavedAt)
		}
		return err
	})
}

func TestKeptText(t *testing.T) {
	t.Parallel()
	text := keptText(merge{Kept: []Mark{{N: 12}, {N: 13}, {N: 14}}, Said: []Entry{{}, {Value: Late, Minutes: 5}, {Value: Absent}}})
	ns, said := readKept(text)
	if text != "12.13-late-5.14-absent" || !slices.Equal(ns, []int64{12, 13, 14}) || len(said) != 2 || said[13].Minutes != 5 || said[14].Value != Absent {
		t.Errorf("%s: %v %v", text, ns, said)
	}
	if ns, said = readKept("x.-3.7-gone.8-late-9999.9-late"); len(said) != 0 || !slices.Equal(ns, []int64{7, 8, 9}) {
		t.Errorf("%v %v", ns, said)
	}
}

// TestALateMergeOverwritesNothing: whatever the roll says by now and the device said then, a
// mark that the device had not seen stays, and a difference is told.
func TestALateMergeOverwritesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SampledFrom([]Value{Present, Absent, Late})
		current, shown := map[string]Mark{}, map[int64]Mark{}
		var entries []Entry
		for i := range rapid.IntRange(1, 6).Draw(t, "pupils") {
			pupil := string(rune('a' + i))
			e := Entry{Pupil: pupil, Value: values.Draw(t, "says"), Minutes: 5}
			if rapid.Bool().Draw(t, "marked before") {
				e.Base = int64(i + 1)
				shown[e.Base] = Mark{N: e.Base, Pupil: pupil, Value: values.Draw(t, "before"), Minutes: 5}
				current[pupil] = shown[e.Base]
			}
			if rapid.Bool().Draw(t, "meanwhile") {
				current[pupil] = Mark{N: int64(i + 100), Pupil: pupil, Value: values.Draw(t, "now"), Minutes: 5}
			}
			entries = append(entries, e)
		}
		m := mergeRoll(entries, current, shown, true)
		if len(m.Over) > 0 || len(m.Kept) != len(m.Said) {
			t.Fatalf("%+v", m)
		}
		told := map[string]bool{}
		for _, k := range m.Kept {
			told[k.Pupil] = true
		}
		for _, e := range m.Append {
			if current[e.Pupil].N >= 100 {
				t.Fatalf("%s: %+v replaces what was not seen, %+v", e.Pupil, e, current[e.Pupil])
			}
		}
		for _, e := range entries {
			if k, ok := current[e.Pupil]; ok && k.N >= 100 && k.Value != e.Value && !told[e.Pupil] {
				t.Fatalf("%s: the device said %s, the roll says %s, and nobody is told", e.Pupil, e.Value, k.Value)
			}
		}
	})
}
