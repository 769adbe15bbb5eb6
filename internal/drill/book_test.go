package drill

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/timetable"
)

// TestBookAndDirectory: two readings of the same rules, by the drill and by the program that
// it judges, say the same of every pupil. Where they part, one of them is wrong.
func TestBookAndDirectory(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		for number, seed := range []int64{1, 2, 3} {
			town := fictional.School(seed, fictional.Options{Pupils: 400, Number: number, Tuesday: tuesday, Weeks: 1})
			if err := fictional.Save(t.Context(), db, town); err != nil {
				t.Fatal(err)
			}
			b := newBook(town, paris())
			err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				told, err := directory.MayBeToldOf(ctx, tx, town.School.ID, b.pupils, town.Tuesday)
				for _, pupil := range b.pupils {
					var theirs, ours []string
					for _, r := range told[pupil].Recipients {
						theirs = append(theirs, r.Person.ID)
						for _, p := range r.Points {
							theirs = append(theirs, string(p.Channel)+" "+p.Address)
						}
					}
					for _, e := range b.of(pupil) {
						ours = append(append(ours, e.person), e.at...)
					}
					slices.Sort(theirs)
					slices.Sort(ours)
					if !slices.Equal(theirs, ours) {
						t.Errorf("seed %d, %s: the directory says %v, the drill %v", seed, pupil, theirs, ours)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestTally: a message is right that says what it had to, to whom it had to; every other is
// counted as what it is.
func TestTally(t *testing.T) {
	town := fictional.Small(time.Time{})
	b := newBook(town, paris())
	sitting := func(id string) (out timetable.Sitting) {
		for _, s := range town.Sittings {
			if s.ID == id {
				out = s
			}
		}
		return out
	}
	at := map[string][]string{}
	for _, pupil := range []string{"lea", "sami", "ewen"} {
		at[pupil] = b.addresses(pupil)
	}
	if len(at["lea"]) != 3 || !slices.Equal(at["lea"], at["sami"]) || len(at["ewen"]) == 0 {
		t.Fatalf("the town has other addresses: %v", at)
	}
	sms, mail := at["lea"][0], at["lea"][1]
	want := []saying{{absence, "lea", sitting("maths")}, {absence, "sami", sitting("histoire")}}
	const (
		lea   = "Lycee Alice-Guy: Léa B. n'est pas en maths depuis 8h05, 24/11. Réf ABCDEFG"
		sami  = "Lycee Alice-Guy: Sami B. n'est pas en histoire-geographie depuis 8 h 05, 24/11. Réf ABCDEFH"
		ended = "Lycee Alice-Guy: Léa B. est maintenant au lycée (8h20). Réf ABCDEFK"
	)
	m := func(to, text, id string) Message { return Message{To: to, Text: text, ID: id} }
	for name, c := range map[string]struct {
		messages                 []Message
		right, wrong, duplicates int
	}{
		"each child to their parents": {[]Message{m(sms, lea, ""), m(sms, sami, ""), m(mail, lea, "1"), m(mail, sami, "2")}, 4, 0, 0},
		"the same short message":      {[]Message{m(sms, lea, ""), m(sms, lea, "")}, 1, 0, 1},
		"the same letter":             {[]Message{m(mail, lea, "1"), m(mail, lea, "1")}, 1, 0, 0},
		"another letter about it":     {[]Message{m(mail, lea, "1"), m(mail, lea, "2")}, 1, 0, 1},
		"another family":              {[]Message{m(at["ewen"][0], lea, "")}, 0, 1, 0},
		"another child":               {[]Message{m(sms, "Lycee Alice-Guy: Nora H. n'est pas en maths depuis 8h05, 24/11. Réf ABCDEFG", "")}, 0, 1, 0},
		"a name that is cut":          {[]Message{m(at["sami"][0], "Lycee Alice-Guy: Sami B. n'est pas en hist-g depuis 8h05. Réf ABCDEFG", "")}, 1, 0, 0},
		"a name that is cut too much": {[]Message{m(at["sami"][0], "Lycee Alice-Guy: Sami B. n'est pas en hist depuis 8h05. Réf ABCDEFG", "")}, 0, 1, 0},
		"another lesson":              {[]Message{m(sms, "Lycee Alice-Guy: Léa B. n'est pas en anglais depuis 8h05, 24/11. Réf ABCDEFG", "")}, 0, 1, 0},
		"another hour":                {[]Message{m(sms, "Lycee Alice-Guy: Léa B. n'est pas en maths depuis 18h05, 24/11. Réf ABCDEFG", "")}, 0, 1, 0},
		"no name, as in Rodez":        {[]Message{m(sms, "Votre enfant est absent de l'établissement ce jour", "")}, 0, 1, 0},
		"something else":              {[]Message{m(sms, ended, "")}, 0, 1, 0},
	} {
		got := b.tally(c.messages, want)
		if got.right != c.right || got.wrong != c.wrong || got.duplicates != c.duplicates || got.missed != 6-c.right {
			t.Errorf("%s: right %d, wrong %d, twice %d, missed %d", name, got.right, got.wrong, got.duplicates, got.missed)
		}
	}
}

// TestOffTheList: whoever cannot be reached by a message is on the telephone list, for that
// child, or missed.
func TestOffTheList(t *testing.T) {
	town := fictional.Small(time.Time{})
	b := newBook(town, paris())
	want := []saying{{kind: absence, pupil: "awa"}, {kind: absence, pupil: "lea"}}
	for _, c := range []struct {
		rows []string
		off  int
	}{
		{[]string{"Appeler Lamine Sangaré (père) pour Awa Sangaré"}, 0},
		{[]string{"Appeler Lamine Sangaré (père) pour Moussa Sangaré"}, 1},
		{[]string{"Appeler Nadia Benali (mère) pour Léa Benali"}, 1},
		{nil, 1},
	} {
		if off := b.offTheList(c.rows, want); len(off) != c.off {
			t.Errorf("%q: %v", c.rows, off)
		}
	}
}
