package notices

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// Preview is a wish as its readers would read it, and how many they are.
type Preview struct {
	Wish
	People   int // who would get at least one message
	Messages map[directory.Channel]int
	None     int    // who may be told and has no address for messages
	Counted  string // stands for exactly these people and words: see Ask
	Sheets   []Sheet
	Classes  []string // of the level, by label; none for the whole school
	NotNow   error    // why it may not leave now, whoever confirms
}

// Sheet is one text of a notice, in one language.
type Sheet struct {
	Lang    string
	Subject string
	Email   string
	SMS     string
}

// Preview reads a wish as it would leave now. It refuses what Check refuses.
func (n *Notices) Preview(ctx context.Context, tx database.Tx, school string, w Wish, now time.Time) (Preview, error) {
	h, err := where(ctx, tx, school, now)
	if err != nil {
		return Preview{}, err
	}
	if err := Check(w, h.day, h.levels); err != nil {
		return Preview{}, err
	}
	s, err := n.gather(ctx, tx, h, w, now)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Wish: w, People: s.people, Messages: s.byChannel, None: s.none, Counted: s.digest, Sheets: n.sheets(h.School, w, h.at), Classes: h.labels[w.Level]}
	if err := n.allowed(ctx, tx, h, w.Text, now); err != nil {
		p.NotNow = err
	}
	return p, nil
}

// sheets are the texts of a wish in every language, the school's first. asked is local.
func (n *Notices) sheets(s directory.School, w Wish, asked time.Time) []Sheet {
	const code = "ABCDEF2" // each message has its own
	var out []Sheet
	for _, lang := range n.letters.Languages() {
		one := Sheet{Lang: lang}
		one.Subject, one.Email = n.letters.write(lang, directory.Email, s, w, asked, code)
		_, one.SMS = n.letters.write(lang, directory.SMS, s, w, asked, code)
		if lang == s.Lang {
			out = append([]Sheet{one}, out...)
		} else {
			out = append(out, one)
		}
	}
	return out
}
