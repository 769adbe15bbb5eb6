package directory_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/directory/internal/workbook/workbooktest"
	"github.com/preau-ent/preau/internal/journal"
)

// bring uploads files, pairs of a name and what it holds, and gives the answer.
func (h *house) bring(t testing.TB, as string, pairs ...string) (int, string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		// Not CreateFormFile: a hostile browser quotes nothing.
		w, err := m.CreatePart(map[string][]string{"Content-Disposition": {`form-data; name="files"; filename="` + pairs[i] + `"`}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/import", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return h.send(t, as, r)
}

// familyTable is a table of n pupils with one legal representative each.
func familyTable(n int) string {
	var b strings.Builder
	b.WriteString("Nom;Prénom;Né le;Classe;Nom mère;Prénom mère;Qualité;Portable mère\n")
	for i := range n {
		fmt.Fprintf(&b, "Élève%d;Prénom%d;%02d/03/2012;6e A;Parent%d;Anne;légal;06399802%02d\n", i, i, i%28+1, i, i)
	}
	return b.String()
}

// columns are the answers of the mapping page for familyTable.
var columns = []string{"c0", "last", "c1", "first", "c2", "born", "c3", "class", "c4", "g1.last", "c5", "g1.first", "c6", "g1.level", "c7", "g1.sms"}

var seenField = regexp.MustCompile(`name="seen" value="([0-9a-f]+)"`)

// look opens an upload and gives the digest of what is seen.
func (h *house) look(t testing.TB, as, path string) (seen, body string) {
	t.Helper()
	code, body := h.get(t, as, path)
	if code != 200 {
		t.Fatalf("%s: %d %s", path, code, body)
	}
	if m := seenField.FindStringSubmatch(body); m != nil {
		seen = m[1]
	}
	return seen, body
}

// empty is a house whose other school has no pupils of a source beside the tables'.
func tableHouse(t testing.TB, db *database.DB) *house {
	t.Helper()
	h := openHouse(t, db)
	err := db.InSchool(t.Context(), "other", func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewRaw("UPDATE directory_people SET left_on = '2026-01-01' WHERE school = 'other'").Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// mapped brings a table to the other school and maps it.
func (h *house) mapped(t testing.TB, name, content string) string {
	t.Helper()
	code, to := h.bring(t, "head@other", name, content)
	if code != 303 {
		t.Fatalf("bring: %d %s", code, to)
	}
	if code, back := h.post(t, "head@other", to+"/reading", columns...); code != 303 || back != to {
		t.Fatalf("mapping: %d %s", code, back)
	}
	return to
}

func count(t testing.TB, h *house, kind directory.Kind) int {
	t.Helper()
	n := 0
	err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		people, err := directory.Of(ctx, tx, "other", kind, "2026-11-24")
		n = len(people)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestImportPage goes the whole way: bring, say what the columns are, see the difference,
// take; then a file that loses people, which the head accepts by its numbers.
func TestImportPage(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		h := tableHouse(t, db)
		code, to := h.bring(t, "head@other", `..\..\C:\liste <b>.csv`, familyTable(30))
		if code != 303 || !strings.HasPrefix(to, "/import/") {
			t.Fatalf("%d %s", code, to)
		}
		if code, there := h.get(t, "head@other", to); code != 303 || there != to+"/reading" {
			t.Fatalf("a table is asked about: %d %s", code, there)
		}
		_, body := h.look(t, "head@other", to+"/reading")
		for _, want := range []string{"Élève0", "Prénom2", `value="g1.sms" selected`, `value="last" selected`, "liste _b_.csv"} {
			if !strings.Contains(body, want) {
				t.Errorf("the mapping page has no %q", want)
			}
		}
		if code, body := h.post(t, "head@other", to+"/reading", "c0", "last", "c1", "last"); code != 422 || !strings.Contains(body, "est déjà cela") {
			t.Errorf("one field twice: %d", code)
		}
		if code, body := h.post(t, "head@other", to+"/reading", "c0", "last", "c1", "first"); code != 422 || !strings.Contains(body, "distinguer les homonymes") {
			t.Errorf("nothing tells namesakes apart: %d", code)
		}
		if code, _ := h.post(t, "head@other", to+"/reading", "c0", "last; DROP"); code != 422 {
			t.Errorf("no field: %d", code)
		}
		if code, _ := h.post(t, "head@other", to+"/reading", columns...); code != 303 {
			t.Fatal(code)
		}
		seen, body := h.look(t, "head@other", to)
		if !strings.Contains(body, "30 élèves ajoutés") || !strings.Contains(body, "30 personnes seraient prévenues désormais") || count(t, h, directory.KindPupil) != 0 {
			t.Fatalf("the difference: %s", body)
		}
		code, table := h.get(t, "head@other", to+"/difference.csv")
		rows, err := csvRows(table)
		if code != 200 || err != nil || len(rows) != 1+30*4 || !slices.Contains(rows[1], "Anne Parent0") && !strings.Contains(table, "Parent0") {
			t.Errorf("the difference as a table: %d %v %d rows: %.300s", code, err, len(rows), table)
		}
		changes := h.changes
		if code, _ := h.post(t, "head@other", to+"/take", "seen", seen); code != 303 || count(t, h, directory.KindPupil) != 30 || h.changes != changes+1 {
			t.Fatalf("take: %d, %d pupils", code, count(t, h, directory.KindPupil))
		}
		if _, body := h.look(t, "head@other", to); !strings.Contains(body, "30 élèves") {
			t.Errorf("what came of it: %s", body)
		}
		if left, _ := filepath.Glob(filepath.Join(h.uploads, "*", "0*")); len(left) > 0 {
			t.Errorf("files that were taken are kept: %v", left)
		}

		// The same columns again: proposed as the school said last. Ten pupils are missing.
		code, to = h.bring(t, "head@other", "rentrée.xlsx", string(asWorkbook(t, familyTable(20))))
		if code != 303 {
			t.Fatal(code)
		}
		if _, body := h.look(t, "head@other", to+"/reading"); !strings.Contains(body, "comme la dernière fois") {
			t.Error("what the school said is not proposed")
		}
		h.post(t, "head@other", to+"/reading", columns...)
		seen, body = h.look(t, "head@other", to)
		if !strings.Contains(body, "10 élèves sur 30 partiraient") || !strings.Contains(body, "Tapez 10") {
			t.Fatalf("the loss: %s", body)
		}
		if code, body := h.post(t, "head@other", to+"/take", "seen", seen, "loss-pupils-0000002X", "11"); code != 422 || !strings.Contains(body, "Tapez exactement 10") || count(t, h, directory.KindPupil) != 30 {
			t.Errorf("another number: %d", code)
		}
		if code, _ := h.post(t, "head@other", to+"/take", "seen", seen, "loss-pupils-0000002X", "10"); code != 422 {
			t.Errorf("one loss of three is not all of them: %d", code)
		}
		all := []string{"seen", seen, "loss-pupils-0000002X", "10", "loss-adults-0000002X", "10", "loss-links-0000002X", "10", "loss-legal-0000002X", "10"}
		if code, to := h.post(t, "head@other", to+"/take", all...); code != 303 || count(t, h, directory.KindPupil) != 20 {
			t.Fatalf("accepted: %d %s, %d pupils", code, to, count(t, h, directory.KindPupil))
		}
		var details []string
		err = db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			return tx.NewSelect().Model((*journal.Line)(nil)).Column("detail").Where("school = 'other' AND act = 'import' AND actor = 'a-head'").Scan(ctx, &details)
		})
		if err != nil || !slices.ContainsFunc(details, func(d string) bool { return strings.Contains(d, "pupils 10 of 30") }) {
			t.Errorf("the journal does not say what was accepted: %v %v", details, err)
		}
	})
}

func csvRows(text string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.Comma = ';'
	return r.ReadAll()
}

func asWorkbook(t testing.TB, table string) []byte {
	t.Helper()
	var rows [][]string
	for line := range strings.SplitSeq(strings.TrimSpace(table), "\n") {
		rows = append(rows, strings.Split(line, ";"))
	}
	return workbooktest.Texts(t, rows...)
}

// TestTakeIsBound: what is taken is what was seen, or nothing: another import between, a
// file replaced on the disk, another reading.
func TestTakeIsBound(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		h := tableHouse(t, db)
		first, second := h.mapped(t, "a.csv", familyTable(12)), h.mapped(t, "b.csv", familyTable(14))
		seen1, _ := h.look(t, "head@other", first)
		seen2, _ := h.look(t, "head@other", second)
		if seen1 == seen2 {
			t.Fatal("two files are seen as one")
		}
		if code, _ := h.post(t, "head@other", second+"/take", "seen", seen1); code != 303 || count(t, h, directory.KindPupil) != 0 {
			t.Fatalf("taken with what was seen of another: %d", code)
		}
		if code, _ := h.post(t, "head@other", first+"/take", "seen", seen1); code != 303 || count(t, h, directory.KindPupil) != 12 {
			t.Fatalf("%d", code)
		}
		// The other head's page is older than that.
		code, to := h.post(t, "head@other", second+"/take", "seen", seen2)
		if code != 303 || !strings.Contains(to, "done=changed") || count(t, h, directory.KindPupil) != 12 {
			t.Errorf("an old page was taken: %d %s", code, to)
		}
		seen2, body := h.look(t, "head@other", to)
		if !strings.Contains(body, "ce que vous aviez vu") || !strings.Contains(body, "2 élèves ajoutés") {
			t.Errorf("%s", body)
		}
		files, err := filepath.Glob(filepath.Join(h.uploads, "*", "00", "b.csv"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if err := os.WriteFile(files[0], []byte(familyTable(13)), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _ := h.post(t, "head@other", second+"/take", "seen", seen2); code != 409 || count(t, h, directory.KindPupil) != 12 {
			t.Errorf("a replaced file was taken: %d, %d pupils", code, count(t, h, directory.KindPupil))
		}
		if code, _ := h.get(t, "head@other", second); code != 404 {
			t.Errorf("and is still there: %d", code)
		}
	})
}

// TestImportBelongsToItsSchool: nobody sees another school's files, and a head takes
// nothing but their own school.
func TestImportBelongsToItsSchool(t *testing.T) {
	h := tableHouse(t, databasetest.SQLite(t))
	to := h.mapped(t, "a.csv", familyTable(3))
	for _, as := range []string{"head", "operator"} {
		for _, path := range []string{"", "/reading", "/difference.csv"} {
			if code, _ := h.get(t, as, to+path); code != 404 {
				t.Errorf("%s sees %s of another school: %d", as, path, code)
			}
		}
		for _, path := range []string{"/take", "/discard", "/reading"} {
			if code, _ := h.post(t, as, to+path); code != 404 {
				t.Errorf("%s does %s to another school's: %d", as, path, code)
			}
		}
	}
	for _, as := range []string{"cpe", "office", "teacher", "pupil", "guardian"} {
		if code, _ := h.get(t, as, "/import"); code != 403 {
			t.Errorf("%s: %d", as, code)
		}
	}
	for _, id := range []string{"..", ".coming", "%2e%2e%2f", "zzzzzzzzzzzzzzzzzzzz"} {
		if code, _ := h.get(t, "head", "/import/"+id); code == 200 || code >= 500 {
			t.Errorf("%s: %d", id, code)
		}
	}
	// A table with a column of schools: the head's own alone.
	text := strings.ReplaceAll(strings.Replace(familyTable(2), "Nom;", "UAI;Nom;", 1), "Élève0;", "9999999Z;Élève0;")
	text = strings.Replace(text, "Élève1;", "0000002X;Élève1;", 1)
	code, to := h.bring(t, "head@other", "deux.csv", text)
	if code != 303 {
		t.Fatal(code)
	}
	h.post(t, "head@other", to+"/reading", "c0", "uai", "c1", "last", "c2", "first", "c3", "born")
	seen, body := h.look(t, "head@other", to)
	if !strings.Contains(body, "1 autre établissement") || strings.Contains(body, "9999999Z") {
		t.Errorf("%s", body)
	}
	h.post(t, "head@other", to+"/take", "seen", seen)
	var schools []string
	err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.NewRaw("SELECT uai FROM directory_schools WHERE uai = '9999999Z'").Scan(ctx, &schools)
	})
	if err != nil || len(schools) > 0 || count(t, h, directory.KindPupil) != 1 {
		t.Errorf("%v %v, %d pupils", schools, err, count(t, h, directory.KindPupil))
	}
	// An operator brings a school that is not there yet.
	code, to = h.bring(t, "operator", "neuf.csv", familyTable(4))
	if code != 303 {
		t.Fatal(code)
	}
	if code, _ := h.post(t, "operator", to+"/reading", append([]string{"uai", "0990009a"}, columns...)...); code != 303 {
		t.Fatal(code)
	}
	seen, body = h.look(t, "operator", to)
	if !strings.Contains(body, "nouvel établissement") {
		t.Errorf("%s", body)
	}
	if code, _ := h.post(t, "operator", to+"/take", "seen", seen); code != 303 {
		t.Error(code)
	}
	if _, body := h.look(t, "operator", to); !strings.Contains(body, "est à jour") {
		t.Errorf("%s", body)
	}
}

// TestHostileUploads: names that lead elsewhere, too much, too many, no form, a bomb.
func TestHostileUploads(t *testing.T) {
	h := tableHouse(t, databasetest.SQLite(t))
	for _, name := range []string{"../../../etc/passwd", `..\\..\\x`, "/abs", "..", ".", "", "a\x00b", strings.Repeat("é", 300), "upload.json", ".coming"} {
		code, to := h.bring(t, "head@other", name, familyTable(1))
		if code >= 500 {
			t.Errorf("%q: %d", name, code)
		}
		if code == 303 {
			h.post(t, "head@other", to+"/discard")
		}
	}
	err := filepath.WalkDir(h.uploads, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	around, err := os.ReadDir(filepath.Dir(h.uploads))
	if err != nil || len(around) != 1 {
		t.Errorf("written outside: %v %v", around, err)
	}
	r := httptest.NewRequest("POST", "/import", strings.NewReader("files=x"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if code, _ := h.send(t, "head@other", r); code != 422 {
		t.Errorf("no form: %d", code)
	}
	r = httptest.NewRequest("POST", "/import", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"x\"\r\n\r\ncut"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	if code, _ := h.send(t, "head@other", r); code != 422 {
		t.Errorf("cut short: %d", code)
	}
	var many []string
	for i := range 41 {
		many = append(many, fmt.Sprint(i), "x")
	}
	if code, _ := h.bring(t, "head@other", many...); code != 422 {
		t.Errorf("too many files: %d", code)
	}
	r = httptest.NewRequest("POST", "/import", io.MultiReader(strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"x\"\r\n\r\n"), io.LimitReader(zeros{}, 65<<20)))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	if code, _ := h.send(t, "head@other", r); code != 413 {
		t.Errorf("too large: %d", code)
	}
	if coming, err := os.ReadDir(filepath.Join(h.uploads, ".coming")); err != nil || len(coming) > 0 {
		t.Errorf("what was not received whole stays: %v %v", coming, err)
	}
	for name, c := range map[string]struct{ content, says string }{
		"a bomb":      {string(workbooktest.Zip(t, map[string]string{"a.xml": strings.Repeat("<a>x</a>", 4<<20)})), "bombe"},
		"entities":    {`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>`, "DTD interne"},
		"old Excel":   {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("x", 600), "ancien classeur"},
		"nothing":     {"", "fichier vide"},
		"a picture":   {"\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 100), "non reconnu"},
		"merged":      {mergedWorkbook(t), "cellules fusionnées"},
		"no workbook": {string(workbooktest.Zip(t, map[string]string{"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<document/>"})), "pas un classeur"},
	} {
		code, to := h.bring(t, "head@other", name, c.content)
		if code != 303 {
			t.Errorf("%s: %d", name, code)
			continue
		}
		if _, body := h.look(t, "head@other", to); !strings.Contains(body, c.says) || strings.Contains(body, "Mettre l'annuaire à jour") || strings.Contains(body, h.uploads) {
			t.Errorf("%s is not refused in its words: %s", name, body)
		}
		h.post(t, "head@other", to+"/discard")
	}
	for range 5 {
		h.bring(t, "head@other", "x.csv", familyTable(1))
	}
	if code, _ := h.bring(t, "head@other", "x.csv", familyTable(1)); code != 409 {
		t.Errorf("a sixth waits: %d", code)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func mergedWorkbook(t testing.TB) string {
	p := workbooktest.Parts(`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>`)
	p["xl/worksheets/sheet1.xml"] = strings.Replace(p["xl/worksheets/sheet1.xml"], "</sheetData>", `</sheetData><mergeCells><mergeCell ref="A2:A9"/></mergeCells>`, 1)
	return string(workbooktest.Zip(t, p))
}
