package app_test

import (
	"context"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// TestFamiliesAreToldOfADayAtHome: from the school's days at home a press leads to the prepared
// announcement, with its text, its day and everybody chosen and counted. Nothing is asked for.
func TestFamiliesAreToldOfADayAtHome(t *testing.T) {
	h := newHouse(t)
	school, now := h.ours.School.ID, h.app.Clock.Now()
	day := timetable.Day(now, now.Location())
	err := h.app.DB.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		_, err := timetable.OpenHome(ctx, tx, timetable.Home{School: school, Reason: "closed", Whole: true, FromOn: day, UntilOn: day, OpenedBy: "x"}, now, now.Location())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	status, list := h.send(t, page.Head, http.MethodGet, "/timetable/home")
	link := regexp.MustCompile(`href="(/notices/new[^"]*)"`).FindStringSubmatch(list)
	if status != http.StatusOK || link == nil {
		t.Fatalf("%d, no way to the announcement", status)
	}
	status, form := h.send(t, page.Head, http.MethodGet, html.UnescapeString(link[1]))
	if status != http.StatusOK {
		t.Errorf("the announcement: %d", status)
	}
	for _, want := range []string{"L'établissement est fermé mardi 24/11. Les cours à la maison commencent à", "Tout l'établissement", " SMS, "} {
		if !strings.Contains(html.UnescapeString(page.Plain(form)), want) {
			t.Errorf("the announcement does not say %q", want)
		}
	}
	if _, list := h.send(t, page.Secretary, http.MethodGet, "/timetable/home"); strings.Contains(list, "/notices/new") {
		t.Error("who does not decide of days at home is led to announce one")
	}
}
