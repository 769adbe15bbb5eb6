package notices_test

import (
	"context"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
)

// For every message that left, the whole chain: who asked, who confirmed, for how many,
// the words, the carrier's answer, with the journal's lines.
func TestExplain(t *testing.T) {
	both(t, func(w *world) {
		r := w.announce(closedTomorrow)
		w.settle()
		words, err := page.NewWords(notices.Words)
		if err != nil {
			t.Fatal(err)
		}
		letter := w.letters(r.ID)[0]
		var b strings.Builder
		w.in(func(ctx context.Context, tx database.Tx) error {
			s, err := notices.Explain(ctx, tx, w.school, letter.Code)
			if err != nil {
				return err
			}
			return notices.WriteExplain(ctx, &b, words, "fr", s)
		})
		at := 0
		for _, want := range []string{"Message " + letter.Code, "annonce « Établissement fermé », Tout l'établissement", "Mardi 24 novembre 2026", "demandée par Hélène Marchetti, à 5 personnes", "Confirmée par Samir Aubertin", "Message écrit pour ", "est fermé mercredi 25/11", "Envoi n° 1, par pretend", "Accepté par l'opérateur", "pretended", "journal, ligne "} {
			i := strings.Index(b.String()[at:], want)
			if i < 0 {
				t.Fatalf("%q does not follow in\n%s", want, b.String())
			}
			at += i
		}
		if n := strings.Count(b.String(), "journal, ligne"); n != 6 {
			t.Errorf("%d lines of the journal:\n%s", n, b.String())
		}
	})
}
