package drill

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/app"
)

// rodez tries to make one absence reach 1,500 families: every page and form of the program,
// by every role, with lists, wildcards, nothing, repeated parameters and other schools' ids.
// Then one pupil is really absent, and it is taken back.
func rodez(ctx context.Context, r *replay) error {
	h, err := r.newHouse(ctx, r.scaled(1500, 60), 0)
	if err != nil {
		return err
	}
	if err := h.enterService(ctx); err != nil {
		return err
	}
	if _, err := h.ordinaryDay(h.town.Tuesday, ordinaryAbsence); err != nil {
		return err
	}
	day, c := h.town.Tuesday.AddDate(0, 0, 2), h.town.Cast
	if err := h.at(h.clock(day, "08:06")); err != nil {
		return err
	}
	before := h.sink.count()
	routes, err := routesOf(ctx, filepath.Join(h.owns, "routes"))
	if err != nil {
		return err
	}
	tried, accepting := 0, 0
	for _, route := range routes {
		if route.Method != http.MethodPost || strings.HasPrefix(route.Path, "/sign-out") || strings.HasPrefix(route.Path, "/account") {
			continue // these end the attacker's own session
		}
		for _, who := range []string{c.Head, c.CPE, c.Office, h.firstHour(day)[0].Staff[0].Person, app.DrillOperator} {
			n, err := h.attack(who, route.Path)
			if err != nil {
				return err
			}
			tried += n
		}
		if err := h.rest(); err != nil {
			return err
		}
		if n := h.sink.count() - before; n > 0 {
			accepting++
			r.addTo("wrong_messages", n)
			r.say("wrong", "%s made %d messages", route.Path, n)
			before = h.sink.count()
		}
	}
	r.say("fault", "%d requests with lists, wildcards and others' ids to %d pages and forms", tried, len(routes))
	// What was attacked may have been stopped or closed by a real button: nobody has.
	if text, err := h.see(c.Office, "/service"); err != nil || !strings.Contains(text, "En service") {
		return fmt.Errorf("the attack took the school out of service: %w %s", err, words(text))
	}
	// One pupil is absent.
	pupil := h.withFamilies(day, 1)[0]
	if _, err := h.callAll(day, func(p string) bool { return p == pupil }); err != nil {
		return err
	}
	if err := h.at(h.clock(day, "08:20")); err != nil {
		return err
	}
	if err := h.rest(); err != nil {
		return err
	}
	alerts := h.sink.since(before)
	about := h.toSay(absence, day, []string{pupil})
	h.judge(alerts, about)
	nameless := 0
	for _, m := range alerts {
		if !h.book.says(about[0], m) {
			nameless++
		}
	}
	r.is("without_name_lesson_or_hour", nameless, 0)
	r.say("sent", "one pupil is absent: %d messages", len(alerts))
	// It was a mistake: one press, alone.
	text, err := h.see(c.Office, "/corrections")
	if err != nil {
		return err
	}
	form, err := formTo(text, "/corrections")
	if err != nil {
		return err
	}
	pressed, n := time.Now(), h.sink.count()
	p, err := h.as(c.Office)
	if err != nil {
		return err
	}
	if status, text, err := p.post("/corrections", form); err != nil || status != http.StatusOK {
		return fmt.Errorf("the correction was refused: %d %w: %s", status, err, words(text))
	}
	if err := h.rest(); err != nil {
		return err
	}
	mended := h.sink.since(n)
	k := h.judge(mended, h.toSay(correction, day, []string{pupil}))
	untrue := 0
	for _, m := range mended {
		if !schoolsMistake.MatchString(strings.ReplaceAll(m.Text, "’", "'")) {
			untrue++
		}
	}
	r.is("corrections_that_do_not_own_it", untrue, 0)
	r.within("slowest_correction_s", k.last.Sub(pressed), 180*time.Second)
	r.say("corrected", "%d corrections, the last %.2f s after the press", len(mended), k.last.Sub(pressed).Seconds())
	r.is("routes_accepting_a_recipient", accepting, 0)
	r.atLeast("requests_tried", tried, 1000)
	r.figure("families", float64(len(h.book.pupils)))
	r.figure("messages_at_sink", float64(h.sink.count()))
	r.figure("held", 0)
	r.figure("detected_s", 0)
	return h.finish(ctx)
}

// routesOf lists every page and form of the program.
func routesOf(ctx context.Context, folder string) ([]app.RouteInfo, error) {
	a, err := app.Open(ctx, app.Config{Data: folder, Addr: "127.0.0.1:0"}, app.Options{Log: slog.New(slog.DiscardHandler), For: app.Installing})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.RouteList(), nil
}

// attack sends to one form what a slip, or somebody who wants to, could send. It gives the
// number of requests. None of them says what to do in a word that the form knows.
func (h *house) attack(who, path string) (n int, err error) {
	p, err := h.as(who)
	if err != nil {
		return 0, err
	}
	everybody := h.book.pupils[:min(200, len(h.book.pupils))]
	list := strings.Join(everybody, ",")
	names := []string{"pupil", "pupils", "pupil[]", "person", "persons", "to", "recipient", "recipients", "contact", "phone", "email", "address", "ids", "all", "filter", "class", "level", "group", "wrong", "scope", "sitting"}
	for _, values := range [][]string{{"*"}, {"all"}, {"%"}, {""}, {list}, everybody, {"another-school"}, {"+33639980499"}} {
		form := url.Values{}
		for _, name := range names {
			form[name] = values
		}
		for _, segment := range []string{"*", "all", everybody[0], h.town.School.ID} {
			if !strings.Contains(path, "{") && segment != "*" {
				continue
			}
			status, text, err := p.post(fill(path, segment), form)
			if err != nil {
				return n, err
			}
			if n++; status >= 500 {
				return n, fmt.Errorf("%s: POST %s: %d: %s", who, path, status, words(text))
			}
		}
	}
	return n, nil
}

// fill puts a word where a path has a name.
func fill(path, segment string) string {
	for {
		before, after, ok := strings.Cut(path, "{")
		if !ok {
			return path
		}
		_, rest, _ := strings.Cut(after, "}")
		path = before + url.PathEscape(segment) + rest
	}
}
