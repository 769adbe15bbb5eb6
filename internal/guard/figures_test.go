package guard

import (
	"context"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// The second person says how many people should read what is held. Neither their page nor
// the banner above every page tells them.
func TestNoFigureForTheSecondPerson(t *testing.T) {
	both(t, func(w *world) {
		const n = 37
		for i := range n {
			w.give(i, "L'établissement est fermé demain.")
		}
		words, err := page.NewWords(Words)
		if err != nil {
			t.Fatal(err)
		}
		for _, lang := range page.Languages() {
			ctx := page.In(t.Context(), &page.Site{Words: words}, lang)
			w.in(func(_ context.Context, tx database.Tx) error {
				trips, err := Trips(ctx, tx, w.school, 5)
				if err != nil || len(trips) != 1 {
					t.Fatalf("%v %v", trips, err)
				}
				if err := w.guard.Ask(ctx, tx, trips[0].ID, "head", n, w.now); err != nil {
					return err
				}
				if trips, err = Trips(ctx, tx, w.school, 5); err != nil {
					return err
				}
				h, err := HoldingOf(ctx, tx, trips[0])
				if err != nil {
					return err
				}
				v := view{By: "office", Now: w.now, Open: []shown{{trips[0], h}}}
				if v.Today, err = Today(ctx, tx, w.school, w.now.Add(-1)); err != nil {
					return err
				}
				var html strings.Builder
				if err := guardPage(v).Render(ctx, &html); err != nil {
					return err
				}
				if strings.Contains(html.String(), "37") {
					t.Errorf("%s: the page of the second person shows how many are held", lang)
				}
				banners, err := w.guard.Banners(ctx, tx, w.school)
				if err != nil || len(banners) != 1 {
					t.Fatalf("%v %v", banners, err)
				}
				if strings.Contains(banners[0].Text, "37") {
					t.Errorf("%s: the banner says how many are held: %s", lang, banners[0].Text)
				}
				return nil
			})
		}
	})
}
