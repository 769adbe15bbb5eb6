package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/register"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/internal/whereabouts"
)

// house is an installation with two schools, each with everything that a path can name.
type house struct {
	t      *testing.T
	app    *app.App
	server *httptest.Server
	ours   fictional.Town
	theirs fictional.Town
	ids    map[string]string // of their school, by the name of the path's parameter
	who    map[page.Role]*http.Client
}

const walkPassword = "une porte apres l'autre"

func newHouse(t *testing.T, change ...func(*app.Config)) *house {
	t.Helper()
	h := &house{t: t, ours: fictional.School(1, fictional.Options{Pupils: 60}), theirs: fictional.School(2, fictional.Options{Pupils: 60, Number: 1}), who: map[page.Role]*http.Client{}}
	clock := app.StandingClock(h.ours.Tuesday)
	config := app.Config{Data: t.TempDir(), Addr: "127.0.0.1:0"}
	for _, c := range change {
		c(&config)
	}
	var err error
	h.app, err = app.Open(t.Context(), config, app.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: clock, For: app.Installing})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.app.Close() })
	for _, town := range []fictional.Town{h.ours, h.theirs} {
		if err := fictional.Save(t.Context(), h.app.DB, town); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(7 * time.Minute)
	hash := account.HashPassword(walkPassword, account.Cost{})
	h.accounts(hash)
	h.ids = h.furnish(h.theirs, clock)
	h.server = httptest.NewServer(h.app.Handler())
	t.Cleanup(h.server.Close)
	for _, role := range page.Roles() {
		h.who[role] = h.signIn(string(role))
	}
	return h
}

// accounts gives our school one account of each role, and the installation an operator.
func (h *house) accounts(hash account.Hash) {
	c := h.ours.Cast
	people := map[page.Role]string{page.Head: c.Head, page.CPE: c.CPE, page.Secretary: c.Office, page.Supervisor: c.Supervisor, page.Nurse: c.Supervisor, page.Teacher: c.Teacher, page.Pupil: c.Lea, page.Guardian: c.Nadia}
	err := h.app.DB.Write(h.t.Context(), func(ctx context.Context, tx database.Tx) error {
		for _, role := range page.Roles() {
			a := account.Account{Role: role, Identifier: string(role), CreatedAt: h.app.Clock.Now()}
			if role != page.Operator {
				a.School, a.Person = h.ours.School.ID, people[role]
			}
			a, err := account.Create(ctx, tx, a)
			if err != nil {
				return err
			}
			if err := account.SetPassword(ctx, tx, h.app.Clock.Now(), a.ID, hash); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// furnish makes one of everything in a school, and gives the ids.
func (h *house) furnish(town fictional.Town, clock *app.Clock) map[string]string {
	h.t.Helper()
	school, c := town.School.ID, town.Cast
	ids := map[string]string{"school": school, "sitting": c.Sitting, "pupil": c.Lea, "adult": c.Nadia, "person": c.Nadia,
		"room": app.Room(school, c.Sitting), "way": "rtc", "carrier": "pretend", "secret": "guessed", "token": "ABCDEFGHJKLMNPQ", "incident": "an-incident", "upload": "nobodysupload", "whom": "families"}
	must := func(err error) {
		if err != nil {
			h.t.Helper()
			h.t.Fatal(err)
		}
	}
	must(h.app.DB.InSchool(h.t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		now := clock.Now()
		must(h.app.PutInService(ctx, tx, town))
		must(alert.SetHold(ctx, tx, school, 0))
		s, err := timetable.ByID(ctx, tx, school, c.Sitting)
		must(err)
		pupils, err := timetable.Pupils(ctx, tx, school, s)
		must(err)
		save := attendance.Save{School: school, Sitting: s.ID, Day: s.Day, By: "x", Origin: attendance.FromRoll}
		for _, p := range pupils {
			value := attendance.Present
			if p.ID == c.Lea || p.ID == c.Unreachable {
				value = attendance.Absent
			}
			save.Pupils = append(save.Pupils, p.ID)
			save.Entries = append(save.Entries, attendance.Entry{Pupil: p.ID, Value: value})
		}
		_, err = attendance.SaveRoll(ctx, tx, h.app.Journal, now, save)
		must(err)
		h.beside(ctx, tx, town, s, ids, now)
		must(attendance.State(ctx, tx, h.app.Journal, now, attendance.Statement{School: school, Pupil: c.Sami, Says: attendance.Inside, Reason: "office", FromAt: now, UntilAt: now.Add(time.Hour), By: "x"}))
		must(directory.Add(ctx, tx, directory.Batch{
			Objections: []directory.Objection{{School: school, ID: "objection-" + school, Pupil: c.Lea, Reference: "1", RecordedBy: "x", RecordedAt: now}},
			Tasks:      []directory.Task{{School: school, ID: "task-" + school, Kind: directory.TaskSameNumber, Person: c.Nadia, OpenedAt: now}},
		}))
		a, err := account.Create(ctx, tx, account.Account{School: school, Person: c.Karim, Role: page.Guardian, Identifier: "elsewhere-" + school, CreatedAt: now})
		ids["account"] = a.ID
		ids["objection"], ids["task"] = "objection-"+school, "task-"+school
		return err
	}))
	must(h.app.Settle(h.t.Context()))
	must(h.app.DB.InSchool(h.t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		wish := notices.Wish{Text: notices.Denial, Choice: "plain", Level: notices.WholeSchool}
		seen, err := h.app.Notices.Preview(ctx, tx, school, wish, clock.Now())
		must(err)
		asked, err := h.app.Notices.Ask(ctx, tx, school, wish, seen.Counted, c.Head, page.Head, clock.Now())
		ids["notice"], ids["trip"] = asked.ID, "trip-"+school
		must(err)
		_, err = tx.NewRaw("INSERT INTO guard_trips (school, id, sign, same, text, seen, most, opened_at) VALUES (?, ?, 'same', 'x', 'x', 5, 4, ?)", school, ids["trip"], database.Stamp(clock.Now())).Exec(ctx)
		return err
	}))
	must(h.app.DB.Read(h.t.Context(), func(ctx context.Context, tx database.Tx) error {
		calls, err := alert.OpenCalls(ctx, tx, school)
		must(err)
		letters, err := courier.Recent(ctx, tx, school, 10)
		must(err)
		if len(calls) == 0 || len(letters) == 0 {
			h.t.Fatalf("their morning has %d calls and %d letters", len(calls), len(letters))
		}
		ids["call"], ids["letter"], ids["point"] = calls[0].ID, letters[0].ID, letters[0].Contact
		statements, err := attendance.Statements(ctx, tx, school, []string{c.Sami}, clock.Now())
		must(err)
		ids["statement"] = statements[c.Sami][0].ID
		closures, err := timetable.Closures(ctx, tx, school, "")
		must(err)
		ids["closure"] = closures[0].ID
		cases, err := directory.Cases(ctx, tx, school, []string{c.Denied})
		must(err)
		ids["decision"] = cases[0].Decisions[0].ID
		groups, err := directory.Groups(ctx, tx, school)
		must(err)
		ids["group"], ids["class"] = groups[0].ID, groups[0].ID
		return nil
	}))
	return ids
}

// beside furnishes what is said of pupils beside the roll, and of their absences.
func (h *house) beside(ctx context.Context, tx database.Tx, town fictional.Town, s timetable.Sitting, ids map[string]string, now time.Time) {
	h.t.Helper()
	c, zone := town.Cast, now.Location()
	day := timetable.Day(now, zone)
	plan, err := whereabouts.Announce(ctx, tx, h.app.Journal, now, zone, whereabouts.Plan{School: town.School.ID, Reason: attendance.Announced, Via: whereabouts.ByPage,
		FromOn: day, UntilOn: day, FromHour: "18:00", Claimant: c.Nadia, By: "x"}, []string{c.Sami})
	if err != nil {
		h.t.Fatal(err)
	}
	home, err := timetable.OpenHome(ctx, tx, timetable.Home{School: town.School.ID, Reason: "illness", FromOn: day, UntilOn: day, OpenedBy: "x", Pupils: []string{c.Denied}}, now, zone)
	if err != nil {
		h.t.Fatal(err)
	}
	ids["home"] = home.ID
	hand := directory.Hand{Journal: h.app.Journal, By: "x", Now: now}
	if err := hand.GiveForm(ctx, tx, directory.FormTeacher{School: town.School.ID, Grp: c.Class, Person: c.Teacher, FromOn: day, UntilOn: day}, day); err != nil {
		h.t.Fatal(err)
	}
	forms, err := directory.FormTeachers(ctx, tx, town.School.ID, day)
	if err != nil {
		h.t.Fatal(err)
	}
	ids["form"] = forms[0].ID
	slip, err := attendance.GiveSlip(ctx, tx, h.app.Journal, now, town.School.ID, c.Denied, s, "x")
	if err != nil {
		h.t.Fatal(err)
	}
	j, err := register.Send(ctx, tx, h.app.Journal, now, town.School.Region, zone, register.Justification{School: town.School.ID, Pupil: c.Lea, Person: c.Nadia,
		FromHalf: day + "/am", UntilHalf: day + "/pm", Reason: "illness", By: "x"}, register.Document{})
	if err != nil {
		h.t.Fatal(err)
	}
	ids["plan"], ids["slip"], ids["justification"] = plan.ID, slip.ID, j.ID
}

func (h *house) signIn(identifier string) *http.Client {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.PostForm(h.server.URL+"/sign-in", url.Values{"identifier": {identifier}, "password": {walkPassword}})
	if err != nil {
		h.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		h.t.Fatalf("%s signs in: %d", identifier, res.StatusCode)
	}
	return c
}

var parameter = regexp.MustCompile(`\{([a-z]+)(\.\.\.)?\}`)

// fill puts ids into a pattern. ok is false when one has no id to put.
func fill(pattern string, ids map[string]string) (method, path string, named []string, missing string) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.TrimSuffix(path, "{$}")
	path = parameter.ReplaceAllStringFunc(path, func(p string) string {
		name := parameter.FindStringSubmatch(p)[1]
		named = append(named, name)
		if ids[name] == "" {
			missing = name
		}
		return url.PathEscape(ids[name])
	})
	return method, path, named, missing
}

// TestEveryRouteForEveryRoleOfTwoSchools walks every route with every role, and with
// nobody signed in, naming what belongs to the other school: what the rule forbids is
// refused, what belongs elsewhere is not found, no page says a name of the other
// school, and nothing of it has changed afterwards.
func TestEveryRouteForEveryRoleOfTwoSchools(t *testing.T) {
	h := newHouse(t)
	before := h.theirHead()
	secrets := h.secrets()
	roles := append([]page.Role{""}, page.Roles()...)
	walked := 0
	for _, route := range h.app.Routes.All() {
		method, path, named, missing := fill(route.Pattern, h.ids)
		if missing != "" {
			t.Errorf("%s: the walk knows no %s: add one to furnish", route.Pattern, missing)
			continue
		}
		for _, role := range roles {
			t.Run(fmt.Sprintf("%s as %s", route.Pattern, role), func(t *testing.T) {
				walked++
				status, body := h.send(t, role, method, path)
				if status >= 500 {
					t.Fatalf("%d\n%s", status, body)
				}
				for _, s := range secrets {
					if role != page.Operator && strings.Contains(body, s) {
						t.Errorf("the page says %q, a name of the other school", s)
					}
				}
				switch {
				case route.Rule.Public():
				case role == "" && method == http.MethodGet:
					if status != http.StatusSeeOther {
						t.Errorf("signed out: %d, want the way to the sign-in", status)
					}
				case role == "":
					if status != http.StatusUnauthorized {
						t.Errorf("signed out: %d, want 401", status)
					}
				case !route.Rule.Allows(role):
					if status != http.StatusForbidden {
						t.Errorf("%d, want 403 by the rule %s", status, route.Rule)
					}
				case role == page.Operator && slices.Contains(named, "school"): // looks after all schools
				case len(named) > 0:
					// To the operator, who knows which schools there are, "not yours" is no secret.
					if method == http.MethodGet && status != http.StatusNotFound && role != page.Operator {
						t.Errorf("what belongs to the other school: %d, want 404", status)
					}
					if status < 400 {
						t.Errorf("what belongs to the other school was acted upon: %d", status)
					}
				}
			})
		}
	}
	if after := h.theirHead(); after != before {
		t.Errorf("the other school's journal went from %+v to %+v", before, after)
	}
	if walked < 7*30 {
		t.Fatalf("only %d walks", walked)
	}
}

func (h *house) send(t *testing.T, role page.Role, method, path string) (int, string) {
	t.Helper()
	c := h.who[role]
	if role == "" {
		c = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if path == "/sign-out" {
		c = h.signIn(string(page.Secretary)) // and not the one that goes on walking
	}
	req, err := http.NewRequestWithContext(t.Context(), method, h.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		// Fields that carry ids and lists, so that a form cannot name what a path cannot.
		form := url.Values{"pupil": {h.ids["pupil"], "*"}, "pupils": {h.ids["pupil"]}, "school": {h.ids["school"]}, "adult": {h.ids["adult"]}, "group": {h.ids["group"]},
			"person": {h.ids["adult"]}, "all": {"1"}, "notice": {h.ids["notice"]}, "text": {"denial"}, "choice": {"plain"}, "level": {"*", h.ids["group"]}, "outcome": {"reached"}, "says": {"inside"}, "reason": {"office"}, "span": {"day"}, "via": {"phone"}, "half": {"2026-11-24/am"}, "to": {"accepted"}, "at": {"office"}, "from_day": {"2026-11-24"}, "from_part": {"am"}, "v-" + h.ids["pupil"]: {"absent"}, "do": {"x"}}
		req, err = http.NewRequestWithContext(t.Context(), method, h.server.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return res.StatusCode, "" // it ends when its reader goes
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// secrets are family names that only the other school has.
func (h *house) secrets() []string {
	ours := map[string]bool{}
	for _, p := range h.ours.Rows.People {
		ours[p.LastName] = true
	}
	var out []string
	for _, p := range h.theirs.Rows.People {
		if !ours[p.LastName] && len(p.LastName) > 6 && !slices.Contains(out, p.LastName) {
			out = append(out, p.LastName)
		}
	}
	if len(out) < 5 {
		h.t.Fatalf("only %d names tell the schools apart", len(out))
	}
	return out
}

func (h *house) theirHead() (head journal.Head) {
	err := h.app.DB.Read(h.t.Context(), func(ctx context.Context, tx database.Tx) error {
		heads, err := journal.Heads(ctx, tx)
		for _, one := range heads {
			if one.School == h.theirs.School.ID {
				head = one
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return head
}

// TestARouteWithoutARuleDoesNotStart plants the fault that the walk rests on.
func TestARouteWithoutARuleDoesNotStart(t *testing.T) {
	h := newHouse(t)
	defer func() {
		if recover() == nil {
			t.Fatal("a route without a rule was registered")
		}
	}()
	h.app.Routes.Handle("GET /unruled", page.Rule{}, func(http.ResponseWriter, *http.Request) error { return nil })
}
