// Package stories tells whole mornings and checks them: the program as it is put
// together for a school, over HTTP as people use it, on both databases. A story is a
// file of testdata that somebody of a school office can read.
package stories

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/net/html"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
)

func TestStories(t *testing.T) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir: "testdata",
				Setup: func(env *testscript.Env) error {
					w, err := newWorld(env, engine)
					if err != nil {
						return err
					}
					env.Values[worldKey{}] = w
					env.Defer(w.close)
					return nil
				},
				Cmds: verbs,
			})
		})
	}
}

type worldKey struct{}

// verbs are what stories are told with.
var verbs = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"at":      told((*world).at),
	"roll":    told((*world).roll),
	"press":   told((*world).press),
	"letters": told((*world).letters),
	"calls":   told((*world).calls),
	"restart": told((*world).restart),
	"verify":  told((*world).verify),
	"explain": told((*world).explain),
	"import":  told((*world).importExport),
	"sees":    sees,

	"announce": told((*world).announce),
	"second":   told((*world).second),
}

func told(do func(*world, *testscript.TestScript, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := do(ts.Value(worldKey{}).(*world), ts, args)
		if neg != (err != nil) {
			ts.Fatalf("%v (expected to fail: %v)", err, neg)
		}
	}
}

// world is one school, served.
type world struct {
	engine  database.Engine
	config  app.Config
	town    fictional.Town
	clock   *app.Clock
	app     *app.App
	server  *httptest.Server
	browser map[string]*http.Client
	log     *slog.Logger

	announced string // the address of the announcement that the story is about
}

const password = "un mot de passe de conte"

// theHash is the password's, made once: it takes a core's tens of milliseconds.
var theHash = sync.OnceValue(func() account.Hash { return account.HashPassword(password, account.Cost{}) })

func newWorld(env *testscript.Env, engine database.Engine) (*world, error) {
	t, ok := env.T().(testing.TB)
	if !ok {
		return nil, errors.New("stories need a test")
	}
	w := &world{engine: engine, town: fictional.Small(time.Time{}), log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	w.config = app.Config{Data: filepath.Join(env.WorkDir, "data"), Addr: "127.0.0.1:0"}
	if engine == database.Postgres {
		w.config.Database = databasetest.NewPostgres(t)
	}
	w.clock = app.StandingClock(w.town.Tuesday)
	ctx := context.Background()
	install(t, w.config)
	if err := w.open(); err != nil {
		return nil, err
	}
	if err := fictional.Save(ctx, w.app.DB, w.town); err != nil {
		return nil, err
	}
	return w, w.people(ctx)
}

// install makes an installation where the configuration points, and closes it again.
func install(t testing.TB, c app.Config) {
	t.Helper()
	a, err := app.Open(context.Background(), c, app.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), For: app.Installing})
	if err == nil {
		err = a.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) open() (err error) {
	w.app, err = app.Open(context.Background(), w.config, app.Options{Log: w.log, Clock: w.clock})
	if err != nil {
		return err
	}
	w.server = httptest.NewServer(w.app.Handler())
	w.browser = map[string]*http.Client{}
	return nil
}

func (w *world) close() {
	w.server.Close()
	w.app.Close()
}

// people gives everybody of the story an account, and puts the school in service.
func (w *world) people(ctx context.Context) error {
	roles := map[string]page.Role{"head": page.Head, "cpe": page.CPE, "office": page.Secretary, "roy": page.Teacher, "lea": page.Pupil}
	for _, p := range w.town.Rows.People {
		if p.Kind == directory.KindAdult {
			roles[p.ID] = page.Guardian
		}
	}
	return w.app.DB.InSchool(ctx, w.town.School.ID, func(ctx context.Context, tx database.Tx) error {
		for person, role := range roles {
			a, err := account.Create(ctx, tx, account.Account{School: w.town.School.ID, Person: person, Role: role, Identifier: person, CreatedAt: w.clock.Now()})
			if err != nil {
				return err
			}
			if err := account.SetPassword(ctx, tx, w.clock.Now(), a.ID, theHash()); err != nil {
				return err
			}
		}
		return w.app.PutInService(ctx, tx, w.town)
	})
}

// at HH:MM: it is that time, and all that is due then is done.
func (w *world) at(_ *testscript.TestScript, args []string) error {
	zone, err := w.town.School.Location()
	if err != nil {
		return err
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", w.town.Tuesday.In(zone).Format(time.DateOnly)+" "+args[0], zone)
	if err != nil {
		return err
	}
	if t.Before(w.clock.Now()) {
		return fmt.Errorf("it is later than %s already", args[0])
	}
	w.clock.Advance(t.Sub(w.clock.Now()))
	return w.app.Settle(context.Background())
}

// client is the browser of a person, signed in.
func (w *world) client(person string) (*http.Client, error) {
	if c, ok := w.browser[person]; ok {
		return c, nil
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &http.Client{Jar: jar}
	res, err := c.PostForm(w.server.URL+"/sign-in", url.Values{"identifier": {person}, "password": {password}})
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Request.URL.Path != "/" {
		return nil, fmt.Errorf("%s could not sign in: %d at %s", person, res.StatusCode, res.Request.URL.Path)
	}
	w.browser[person] = c
	return c, nil
}

func (w *world) get(person, path string) (int, string, error) {
	c, err := w.client(person)
	if err != nil {
		return 0, "", err
	}
	return body(c.Get(w.server.URL + path))
}

func body(res *http.Response, err error) (int, string, error) {
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// roll PERSON SITTING PUPIL=VALUE…: opens the roll's page, changes what is said of the
// pupils (present, absent, late:7) and saves.
func (w *world) roll(_ *testscript.TestScript, args []string) error {
	person, path := args[0], "/roll/"+args[1]
	status, text, err := w.get(person, path)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("%s opens the roll: %d %v", person, status, err)
	}
	form, err := readForm(text, path)
	if err != nil {
		return err
	}
	for _, said := range args[2:] {
		pupil, value, _ := strings.Cut(said, "=")
		value, minutes, _ := strings.Cut(value, ":")
		if !form.Has("v-" + pupil) {
			return fmt.Errorf("%s is not on the roll", pupil)
		}
		form.Set("v-"+pupil, value)
		if minutes != "" {
			form.Set("m-"+pupil, minutes)
		}
	}
	return w.send(person, path, form)
}

// press PERSON PATH FIELD=VALUE…: sends a form.
func (w *world) press(_ *testscript.TestScript, args []string) error {
	form := url.Values{}
	for _, f := range args[2:] {
		k, v, _ := strings.Cut(f, "=")
		form.Set(k, v)
	}
	return w.send(args[0], args[1], form)
}

func (w *world) send(person, path string, form url.Values) error {
	c, err := w.client(person)
	if err != nil {
		return err
	}
	status, text, err := body(c.PostForm(w.server.URL+path, form))
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("%s sends %s: %d %v\n%s", person, path, status, err, plain(text))
	}
	return w.app.Settle(context.Background())
}

// readForm reads the form of a page that goes to path, as a browser would send it.
func readForm(text, path string) (url.Values, error) {
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	attr := func(n *html.Node, key string) (string, bool) {
		for _, a := range n.Attr {
			if a.Key == key {
				return a.Val, true
			}
		}
		return "", false
	}
	var form *html.Node
	for n := range doc.Descendants() {
		if action, _ := attr(n, "action"); n.Type == html.ElementNode && n.Data == "form" && action == path {
			form = n
			break
		}
	}
	if form == nil {
		return nil, fmt.Errorf("the page has no form for %s", path)
	}
	values := url.Values{}
	for n := range form.Descendants() {
		if n.Type != html.ElementNode || n.Data != "input" {
			continue
		}
		name, _ := attr(n, "name")
		value, _ := attr(n, "value")
		kind, _ := attr(n, "type")
		if _, checked := attr(n, "checked"); (kind == "radio" || kind == "checkbox") && !checked {
			continue
		}
		if name != "" {
			values.Add(name, value)
		}
	}
	return values, nil
}

// letters FILE: the letters that left are those of the file, "kind channel person
// state" each, in any order.
func (w *world) letters(ts *testscript.TestScript, args []string) error {
	var got []string
	for _, l := range w.recent() {
		got = append(got, strings.Join([]string{string(l.Kind), string(l.Channel), l.Person, string(l.State)}, " "))
	}
	return compare("letters", got, ts.ReadFile(args[0]))
}

func (w *world) recent() []courier.Letter {
	var letters []courier.Letter
	err := w.app.DB.Read(context.Background(), func(ctx context.Context, tx database.Tx) (err error) {
		letters, err = courier.Recent(ctx, tx, w.town.School.ID, 1000)
		return err
	})
	if err != nil {
		panic(err)
	}
	return letters
}

// calls FILE: the families to telephone are those of the file, "pupil adult why" each.
func (w *world) calls(ts *testscript.TestScript, args []string) error {
	var got []string
	err := w.app.DB.Read(context.Background(), func(ctx context.Context, tx database.Tx) error {
		rows, err := alert.OpenCalls(ctx, tx, w.town.School.ID)
		for _, c := range rows {
			got = append(got, strings.Join([]string{c.Pupil, c.Adult, string(c.Because)}, " "))
		}
		return err
	})
	if err != nil {
		return err
	}
	return compare("families to telephone", got, ts.ReadFile(args[0]))
}

func compare(what string, got []string, want string) error {
	var lines []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	slices.Sort(got)
	slices.Sort(lines)
	if !slices.Equal(got, lines) {
		return fmt.Errorf("%s:\n  %s\nthe story says:\n  %s", what, strings.Join(got, "\n  "), strings.Join(lines, "\n  "))
	}
	return nil
}

// restart: the program ends and starts again.
func (w *world) restart(*testscript.TestScript, []string) error {
	w.close()
	if err := w.open(); err != nil {
		return err
	}
	return w.app.Settle(context.Background())
}

// verify: every chain of the journal is whole.
func (w *world) verify(*testscript.TestScript, []string) error {
	out, err := w.preau("verify")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// explain PERSON CHANNEL REGEXP…: the command tells the story of the last letter to that
// person, and says all of that.
func (w *world) explain(ts *testscript.TestScript, args []string) error {
	for _, l := range w.recent() {
		if l.Person != args[0] || string(l.Channel) != args[1] {
			continue
		}
		out, err := w.preau("explain", l.Code)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		ts.Logf("%s", out)
		for _, want := range args[2:] {
			if !regexp.MustCompile(want).MatchString(out) {
				return fmt.Errorf("the explanation does not say %q", want)
			}
		}
		return nil
	}
	return fmt.Errorf("no letter to %s by %s", args[0], args[1])
}

var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "preau-stories-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "preau")
	out, err := exec.Command("go", "build", "-o", path, "github.com/preau-ent/preau/cmd/preau").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// preau runs a command of the real program on the story's installation.
func (w *world) preau(args ...string) (string, error) {
	path, err := program()
	if err != nil {
		return "", err
	}
	args = append(args, "--data", w.config.Data)
	if w.config.Database != "" {
		args = append(args, "--database", w.config.Database)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "LANG=en_US.UTF-8")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// import: the command reads another school's export (fictional people, testdata/aaf) into
// the installation while it serves.
func (w *world) importExport(*testscript.TestScript, []string) error {
	dir, err := filepath.Abs(filepath.Join("testdata", "aaf"))
	if err != nil {
		return err
	}
	out, err := w.preau("import", dir)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return w.app.Settle(context.Background())
}

// sees PERSON PATH REGEXP…: the person's page says all of that; with !, none of it.
func sees(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(worldKey{}).(*world)
	status, text, err := w.get(args[0], args[1])
	if err != nil {
		ts.Fatalf("%v", err)
	}
	if status != http.StatusOK && !neg {
		ts.Fatalf("%s opens %s: %d", args[0], args[1], status)
	}
	for _, want := range args[2:] {
		if regexp.MustCompile(want).MatchString(plain(text)) == neg {
			ts.Fatalf("%s at %s (expected not to see: %v): %q in\n%s", args[0], args[1], neg, want, plain(text))
		}
	}
}

// plain is a page's text, with its typographic spaces made plain.
func plain(text string) string {
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return text
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			b.WriteString(strings.TrimSpace(n.Data) + " ")
		}
	}
	return strings.Join(strings.Fields(page.Plain(b.String())), " ")
}
