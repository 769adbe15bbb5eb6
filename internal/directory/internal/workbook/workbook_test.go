package workbook

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/workbook/workbooktest"
)

// read reads every row of a workbook; what is refused is a *intake.Stop, or the refusal
// of intake itself as one.
func read(t testing.TB, content []byte, sheet string) ([][]string, *Rows, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "liste.csv") // its name says nothing
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := intake.Find([]string{path}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	if len(found.Refusals) > 0 {
		return nil, nil, errors.New(found.Refusals[0].Reason)
	}
	if len(found.Files) != 1 || !Is(found.Files[0]) {
		return nil, nil, errors.New("no workbook")
	}
	b, err := Open(found.Files[0])
	if err != nil {
		return nil, nil, err
	}
	s, err := b.Choose(sheet)
	if err != nil {
		return nil, nil, err
	}
	r, err := b.Rows(s)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	var out [][]string
	for {
		row, err := r.Row()
		if err == io.EOF {
			return out, r, nil
		}
		if err != nil {
			return out, r, err
		}
		out = append(out, row)
	}
}

// TestReadsWhatAnotherProgramWrote: testdata/excelize.xlsx was written by excelize 2.10.1,
// which is no part of this module.
func TestReadsWhatAnotherProgramWrote(t *testing.T) {
	content, err := os.ReadFile("testdata/excelize.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	rows, _, err := read(t, content, "")
	want := [][]string{
		{"Nom", "Prénom", "Né le", "Classe", "Nom mère", "Prénom mère", "Qualité", "Portable", "Courriel"},
		{"Aubert-Lœillet", "Éléonore", "2012-03-09", "6e B", "Aubert", "Anaïs", "légal", "639980101", "anais@aubert.example"},
		{"Diallo", "Moussa", "2011-11-30", "6e B", "Diallo", "Awa", "contact", "06 39 98 01 02", ""},
		{"Diallo", "Fatou", "2011-11-30", "6e B", "Diallo", "Awa", "contact", "33639980102", ""},
	}
	if err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("%v\n got %q\nwant %q", err, rows, want)
	}
}

// TestCells: what a person sees in each kind of cell.
func TestCells(t *testing.T) {
	header := `<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c></row>`
	for name, c := range map[string]struct{ cell, want string }{
		"shared": {`<c r="B3" t="s"><v>1</v></c>`, "Prénom"},
		"inline": {`<c r="B3" t="inlineStr"><is><r><t>a</t></r><r><t xml:space="preserve"> b</t></r></is></c>`, "a b"},
		"spelt": {`<c r="B3" t="inlineStr"><is><t>Zo_x00EB__x000D_
B</t></is></c>`, "Zoë\r\nB"},
		"spelt in two":       {`<c r="B3" t="inlineStr"><is><t>_xD83D__xDE00_</t></is></c>`, "😀"},
		"spelt underscore":   {`<c r="B3" t="inlineStr"><is><t>_x005F_x0041_</t></is></c>`, "_x0041_"},
		"spelt nothing":      {`<c r="B3" t="inlineStr"><is><t>_x0001_ _xD83D_ _x00G1_</t></is></c>`, "_x0001_ _xD83D_ _x00G1_"},
		"spelt result":       {`<c r="B3" t="str"><f>A1</f><v>a_x002D_b</v></c>`, "a-b"},
		"number":             {`<c r="B3"><v>612345678</v></c>`, "612345678"},
		"exponent":           {`<c r="B3"><v>6.12345678E8</v></c>`, "612345678"},
		"zeros":              {`<c r="B3" s="3"><v>612345678</v></c>`, "0612345678"},
		"decimal":            {`<c r="B3"><v>1.5</v></c>`, "1.5"},
		"date":               {`<c r="B3" s="1"><v>40179</v></c>`, "2010-01-01"},
		"own date":           {`<c r="B3" s="2"><v>41000</v></c>`, "2012-04-01"},
		"date and time":      {`<c r="B3" s="1"><v>40179.5</v></c>`, "2010-01-01 12:00:00"},
		"before March 1900":  {`<c r="B3" s="1"><v>59</v></c>`, "1900-02-28"},
		"result":             {`<c r="B3" t="str"><f>A1&amp;"x"</f><v>Nomx</v></c>`, "Nomx"},
		"boolean":            {`<c r="B3" t="b"><v>1</v></c>`, "true"},
		"style out of range": {`<c r="B3" s="99"><v>7</v></c>`, "7"},
	} {
		rows, _, err := read(t, workbooktest.Zip(t, workbooktest.Parts(header+`<row r="3">`+c.cell+`</row>`)), "")
		if err != nil || len(rows) != 2 || rows[1][1] != c.want || rows[1][0] != "" {
			t.Errorf("%s: %v %q, want %q", name, err, rows, c.want)
		}
	}
	parts := workbooktest.Parts(header + `<row r="3"><c r="B3" s="1"><v>0</v></c></row>`)
	parts["xl/workbook.xml"] = strings.Replace(parts["xl/workbook.xml"], "<sheets>", `<workbookPr date1904="1"/><sheets>`, 1)
	if rows, _, err := read(t, workbooktest.Zip(t, parts), ""); err != nil || rows[1][1] != "1904-01-01" {
		t.Errorf("1904: %v %q", err, rows)
	}
}

// TestRefusals: what is refused, with the row and what to do.
func TestRefusals(t *testing.T) {
	good := `<row r="1"><c r="A1" t="s"><v>0</v></c></row>`
	sheet := func(data string) map[string]string { return workbooktest.Parts(good + data) }
	with := func(p map[string]string, name, text string) map[string]string { p[name] = text; return p }
	without := func(p map[string]string, name string) map[string]string { delete(p, name); return p }
	xxe := `<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>`
	for name, c := range map[string]struct {
		parts map[string]string
		line  int
		says  string
	}{
		"merged":           {with(sheet(""), "xl/worksheets/sheet1.xml", `<worksheet><sheetData>`+good+`</sheetData><mergeCells><mergeCell ref="B4:B7"/></mergeCells></worksheet>`), 4, "merged cells (B4:B7)"},
		"error":            {sheet(`<row r="5"><c r="A5" t="e"><v>#N/A</v></c></row>`), 5, "cell A5 holds an error (#N/A)"},
		"no result":        {sheet(`<row r="6"><c r="A6"><f>A1</f></c></row>`), 6, "formula of cell A6"},
		"lost digits":      {sheet(`<row r="7"><c r="A7"><v>1234567890123456</v></c></row>`), 7, "more than 15 digits"},
		"no such text":     {sheet(`<row r="8"><c r="A8" t="s"><v>2</v></c></row>`), 8, "cell A8"},
		"negative text":    {sheet(`<row r="8"><c r="A8" t="s"><v>-1</v></c></row>`), 8, "cell A8"},
		"beyond":           {sheet(`<row r="9"><c r="C9"><v>1</v></c></row>`), 9, "cell C9 lies beyond the last column title"},
		"far beyond":       {sheet(`<row r="9"><c r="XFD9"><v>1</v></c></row>`), 9, "beyond 1000 columns"},
		"backwards":        {sheet(`<row r="9"><c r="B9"><v>1</v></c><c r="A9"><v>1</v></c></row>`), 9, "cell A9"},
		"rows backwards":   {sheet(`<row r="1"></row>`), 1, "damaged"},
		"row too far":      {sheet(`<row r="99999999999999999999"></row>`), 1, "damaged"},
		"not a number":     {sheet(`<row r="2"><c r="A2"><v>NaN</v></c></row>`), 2, "cell A2"},
		"entities":         {with(sheet(""), "xl/worksheets/sheet1.xml", xxe+`<worksheet><sheetData><row r="1"><c t="inlineStr"><is><t>&x;</t></is></c></row></sheetData></worksheet>`), 1, "internal DTD"},
		"entities around":  {with(sheet(""), "xl/sharedStrings.xml", xxe+`<sst/>`), 1, "internal DTD"},
		"truncated":        {with(sheet(""), "xl/worksheets/sheet1.xml", `<worksheet><sheetData>`+good), 0, "truncated or damaged"},
		"ends differently": {with(sheet(""), "xl/worksheets/sheet1.xml", `<worksheet><sheetData>`+good+`</worksheet>`), 0, "truncated or damaged"},
		"no part":          {without(sheet(""), "xl/worksheets/sheet1.xml"), 0, "not a workbook of cells"},
		"no rows":          {workbooktest.Parts(""), 0, "no visible sheet has a row"},
		"a letter":         {with(sheet(""), "xl/workbook.xml", `<document><body/></document>`), 0, "not a workbook of cells"},
		"nested":           {with(sheet(""), "xl/sharedStrings.xml", strings.Repeat("<si>", 100)+strings.Repeat("</si>", 100)), 1, "truncated or damaged"},
		"outside":          {with(sheet(""), "xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Type="http://x/worksheet" TargetMode="External" Target="http://127.0.0.1/x.xml"/></Relationships>`), 0, "no visible sheet"},
		"binary":           {with(sheet(""), "_rels/.rels", `<Relationships><Relationship Id="a" Type="x/officeDocument" Target="xl/workbook.bin"/></Relationships>`), 0, ".xlsb"},
		"two sheets": {with(with(sheet(""), "xl/workbook.xml", `<workbook xmlns:r="r"><sheets><sheet name="6e" r:id="rId1"/><sheet name="5e" r:id="rId1"/></sheets></workbook>`), "x", ""), 0,
			"several sheets have rows (6e, 5e)"},
	} {
		_, _, err := read(t, workbooktest.Zip(t, c.parts), "")
		var stop *intake.Stop
		if !errors.As(err, &stop) || !strings.Contains(err.Error(), c.says) || stop.Line != c.line && c.line > 0 {
			t.Errorf("%s: %v, want %q at %d", name, err, c.says, c.line)
		}
	}
	two := with(sheet(""), "xl/workbook.xml", `<workbook xmlns:r="r"><sheets><sheet name="6e" r:id="rId1"/><sheet name="Réserve" state="hidden" r:id="rId1"/></sheets></workbook>`)
	if rows, _, err := read(t, workbooktest.Zip(t, two), ""); err != nil || len(rows) != 1 {
		t.Errorf("a hidden sheet beside: %v %v", rows, err)
	}
	if _, _, err := read(t, workbooktest.Zip(t, two), "reserve"); err != nil {
		t.Errorf("the hidden one by name: %v", err)
	}
	if _, _, err := read(t, workbooktest.Zip(t, two), "4e"); err == nil || !strings.Contains(err.Error(), "6e, Réserve") {
		t.Errorf("no such sheet: %v", err)
	}
}

// TestBombs: what grows a thousand times, and texts without end, are not taken in.
func TestBombs(t *testing.T) {
	p := workbooktest.Parts("")
	p["xl/worksheets/sheet1.xml"] = `<worksheet><sheetData>` + strings.Repeat(`<row><c><v>1</v></c></row>`, 1<<20) + `</sheetData></worksheet>`
	if _, _, err := read(t, workbooktest.Zip(t, p), ""); err == nil || !strings.Contains(err.Error(), "bomb") {
		t.Errorf("a sheet that grows: %v", err)
	}
	// One that does not compress so well: 33 MiB of texts.
	var b strings.Builder
	b.WriteString("<sst>")
	seed := uint32(1)
	for b.Len() < maxShared+1<<20 {
		seed = seed*1664525 + 1013904223
		b.WriteString("<si><t>" + strconv.Itoa(int(seed)) + strings.Repeat("x", 40) + "</t></si>")
	}
	b.WriteString("</sst>")
	p = workbooktest.Parts(`<row><c t="s"><v>0</v></c></row>`)
	p["xl/sharedStrings.xml"] = b.String()
	if _, _, err := read(t, workbooktest.Zip(t, p), ""); err == nil || !strings.Contains(err.Error(), "more texts than any school") {
		t.Errorf("texts without end: %v", err)
	}
}

func FuzzSheet(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" t="s"><v>0</v></c></row>`, `<si><t>Nom</t></si>`, "dd/mm/yyyy")
	f.Add(`<row><c t="inlineStr"><is><r><t>a</t></r></is></c><c s="2"><f>A1</f><v>41000.25</v></c></row>`, `<si><rPh><t/></rPh></si>`, `[h]"d"\d_y0`)
	f.Fuzz(func(t *testing.T, rows, texts, format string) {
		p := workbooktest.Parts(rows)
		p["xl/sharedStrings.xml"] = "<sst>" + texts + "</sst>"
		p["xl/styles.xml"] = `<styleSheet><numFmt numFmtId="9" formatCode="` + format + `"/><cellXfs><xf numFmtId="9"/></cellXfs></styleSheet>`
		got, _, err := read(t, workbooktest.Zip(t, p), "")
		for _, row := range got {
			if len(row) != len(got[0]) || len(row) > maxColumns {
				t.Fatalf("ragged: %q %v", got, err)
			}
		}
	})
}
