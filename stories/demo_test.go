package stories

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/preau-ent/preau/peers/browser"
)

// demo is `preau demo` as a person starts it: the real program, its printed address and
// accounts.
type demo struct {
	url      string
	password map[string]string // by role, of the first account of it
	name     map[string]string
}

var (
	printedURL     = regexp.MustCompile(`^\s+(http://127\.0\.0\.1:\d+)$`)
	printedAccount = regexp.MustCompile(`, (head|cpe|secretary|supervisor|nurse|teacher|guardian|pupil)\s+(\S+)\s+(\S+)$`)
)

func startDemo(t *testing.T) *demo {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "demo", "--addr", "127.0.0.1:0")
	var wrong strings.Builder
	cmd.Stderr = &wrong
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demonstration ended badly: %v\n%s", err, wrong.String())
		}
	})
	d := &demo{password: map[string]string{}, name: map[string]string{}}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if m := printedURL.FindStringSubmatch(line); m != nil {
			d.url = m[1]
		}
		if m := printedAccount.FindStringSubmatch(line); m != nil && d.name[m[1]] == "" {
			d.name[m[1]], d.password[m[1]] = m[2], m[3]
		}
		if strings.Contains(line, "Ctrl+C") {
			return d
		}
	}
	t.Fatalf("the demonstration said no address\n%s", wrong.String())
	return nil
}

// as opens a window in which somebody of that role is signed in.
func (d *demo) as(t *testing.T, b *browser.Browser, role string, o browser.Options) *browser.Tab {
	t.Helper()
	tab := b.Tab(t, o)
	tab.Go(d.url + "/sign-in")
	tab.Type("input[name=identifier]", d.name[role])
	tab.Type("input[name=password]", d.password[role])
	tab.Click("main form button:not([type=button])")
	tab.Wait("form[action='/sign-out']")
	return tab
}

// advance presses a button of the demonstration's clock and waits for the page that shows
// the later time.
func advance(tab *browser.Tab, by string) {
	shown := browser.Eval[string](tab, `document.querySelector(".demo time").dateTime`)
	tab.Click("form[action='/demo/advance'] button[value='" + by + "']")
	tab.Wait(".demo time:not([datetime='" + shown + "'])")
}

// picture keeps a picture where PREAU_PICTURES names a folder. The page is opened anew:
// Chromium takes no picture of a page that a click led to.
func picture(tab *browser.Tab, name string) {
	if dir := os.Getenv("PREAU_PICTURES"); dir != "" {
		tab.Go(browser.Eval[string](tab, "location.href"))
		tab.Screenshot(filepath.Join(dir, name+".png"))
	}
}

// TestDemoInABrowser is the story that README promises, in a real browser, with the real
// program: a teacher marks Léa absent on a phone, the office sees it held, the clock is
// advanced, her guardian sees it, and the letter can be read.
func TestDemoInABrowser(t *testing.T) {
	d := startDemo(t)
	b := browser.Start(t)
	for _, noScript := range []bool{false, true} {
		t.Run(fmt.Sprintf("without script %v", noScript), func(t *testing.T) {
			teacher := d.as(t, b, "teacher", browser.Options{Width: 360, NoScript: noScript})
			if !noScript { // the second time the clock has moved on
				advance(teacher, "5m0s")
			}
			picture(teacher, "teacher-today")
			teacher.NoViolations("a teacher's day")
			teacher.Click("main a[href^='/roll/']")
			teacher.Wait("form[action^='/roll/']")
			picture(teacher, "roll")
			teacher.NoViolations("the roll")
			if noScript {
				return
			}
			lea := browser.Eval[string](teacher, `[...document.querySelectorAll("fieldset[data-pupil]")].find(f => f.textContent.includes("Léa Benali"))?.dataset.pupil ?? ""`)
			if lea == "" {
				t.Fatal("Léa is not on the roll")
			}
			teacher.Click("fieldset[data-pupil='" + lea + "'] .seg label:first-child")
			teacher.Click("form[action^='/roll/'] .savebar button")
			teacher.Wait("main .notice")
			picture(teacher, "roll-saved")

			office := d.as(t, b, "secretary", browser.Options{Width: 1280})
			if board := office.Text("main"); !strings.Contains(board, "BENALI Léa") {
				t.Fatalf("the office does not see her held:\n%s", board)
			}
			picture(office, "board-held")
			office.NoViolations("the board")
			advance(office, "10m0s")
			picture(office, "board-told")

			guardian := d.as(t, b, "guardian", browser.Options{Width: 360})
			if home := guardian.Text("main"); !strings.Contains(home, "Léa") || !strings.Contains(home, "Message envoyé") {
				t.Fatalf("her guardian does not see it:\n%s", home)
			}
			picture(guardian, "guardian")
			guardian.NoViolations("a guardian's page")

			guardian.Go(d.url + "/courrier")
			if letters := guardian.Text("main"); !strings.Contains(letters, "n'est pas en maths depuis 8h05") {
				t.Fatalf("the letter cannot be read:\n%s", letters)
			}
			picture(guardian, "courrier")

			office.Go(d.url + "/courrier")
			office.Click("main a[href^='/explain/']")
			office.Wait("main .timeline")
			if story := office.Text("main"); !strings.Contains(story, "Camille Roy") {
				t.Fatalf("the story does not say whose finger it was:\n%s", story)
			}
			picture(office, "explain")
			office.NoViolations("the story of a message")
			for _, tab := range []*browser.Tab{teacher, office, guardian} {
				if said := tab.Complaints(); len(said) > 0 {
					t.Errorf("the browser complains: %v", said)
				}
			}
		})
	}
}

// pages are what each role can open without an id of anything.
var pages = map[string][]string{
	"":           {"/", "/sign-in", "/first-sign-in", "/accessibility", "/etat", "/courrier", "/nothing-here"},
	"head":       {"/", "/pupils", "/classes", "/accounts", "/timetable", "/timetable/new", "/timetable/calendar", "/timetable/closures", "/service", "/school", "/courrier", "/notices", "/notices/new?text=closed", "/notices/new?text=denial", "/account", "/explain", "/board"},
	"cpe":        {"/", "/accounts", "/pupils"},
	"secretary":  {"/", "/pupils", "/timetable", "/notices", "/accounts"},
	"supervisor": {"/", "/day", "/absences", "/inside", "/timetable"},
	"nurse":      {"/inside", "/account"},
	"teacher":    {"/", "/form", "/timetable", "/timetable/now", "/account"},
	"pupil":      {"/", "/account"},
	"guardian":   {"/", "/account"},
}

// TestEveryPageCanBeReadByEverybody: zero axe violations, nothing wider than the screen,
// nothing that the browser complains of, at 360 and 1280 px, light and dark.
func TestEveryPageCanBeReadByEverybody(t *testing.T) {
	d := startDemo(t)
	b := browser.Start(t)
	for role, paths := range pages {
		for _, look := range []struct {
			width int
			dark  bool
		}{{360, false}, {1280, true}} {
			t.Run(fmt.Sprintf("%s-%d-dark-%v", role, look.width, look.dark), func(t *testing.T) {
				o := browser.Options{Width: look.width, Dark: look.dark}
				tab := b.Tab(t, o)
				if role != "" {
					tab = d.as(t, b, role, o)
				}
				for _, path := range paths {
					tab.Go(d.url + path)
					tab.NoViolations(role + " " + path)
					tab.Fits(role + " " + path)
					picture(tab, fmt.Sprintf("page-%s%s-%d", role, strings.NewReplacer("/", "_", "?", "_").Replace(path), look.width))
				}
				if said := tab.Complaints(); len(said) > 0 {
					t.Errorf("the browser complains: %v", said)
				}
			})
		}
	}
}

// TestDemoServesWhenItSaysSo: a visitor of a demo that
// has said its address is served.
func TestDemoServesWhenItSaysSo(t *testing.T) {
	d := startDemo(t)
	res, err := http.Get(d.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d", res.StatusCode)
	}
}
