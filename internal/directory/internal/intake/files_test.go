package intake

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// zipped writes an archive; names and texts alternate.
func zipped(t testing.TB, change func([]byte) []byte, pairs ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.Create(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	out := b.Bytes()
	if change != nil {
		out = change(out)
	}
	path := filepath.Join(t.TempDir(), "export.zip")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// central changes the declared size of every entry in the central directory.
func central(size uint32) func([]byte) []byte {
	return func(b []byte) []byte {
		for i := 0; i+28 < len(b); i++ {
			if string(b[i:i+4]) == "PK\x01\x02" {
				binary.LittleEndian.PutUint32(b[i+24:], size)
			}
		}
		return b
	}
}

func TestArchives(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0", 64<<20)
	secret := func(b []byte) []byte {
		for i := 0; i+10 < len(b); i++ {
			if string(b[i:i+4]) == "PK\x01\x02" {
				b[i+8] |= 1
			}
		}
		return b
	}
	for _, c := range []struct {
		name, path, refused string
		files               int
	}{
		{"sound", zipped(t, nil, "a/", "", "a/one.xml", "<a/>", "__MACOSX/._one.xml", "x", ".DS_Store", "x", "two.csv", "a;b"), "", 2},
		{"a bomb", zipped(t, nil, "one.xml", big), "bombe", 0},
		{"a bomb that says it is none", zipped(t, central(100), "one.xml", big), "tronquée", 0},
		{"absurd size", zipped(t, central(0xFFFFFFF0), "1", "", "2", "", "3", ""), "bombe", 0},
		{"an archive within", zipped(t, nil, "one.zip", "PK\x03\x04"), "archive dans l'archive", 0},
		{"the same name twice", zipped(t, nil, "one.xml", "<a/>", "one.xml", "<b/>"), "deux fois", 0},
		{"a password", zipped(t, secret, "one.xml", "<a/>"), "mot de passe", 0},
		{"truncated", zipped(t, func(b []byte) []byte { return b[:len(b)/2] }, "one.xml", strings.Repeat("abcdefg", 500)), "tronquée", 0},
		{"damaged", zipped(t, func(b []byte) []byte { b[60] ^= 0x55; return b }, "one.xml", strings.Repeat("abcdefg", 500)), "tronquée", 0},
		{"a workbook", zipped(t, nil, "[Content_Types].xml", "<a/>", "xl/workbook.xml", "<a/>"), "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := Find([]string{c.path}, false)
			if err != nil {
				t.Fatal(err)
			}
			defer found.Close()
			if len(found.Files) != c.files || (len(found.Refusals) == 1) != (c.refused != "") {
				t.Fatalf("%d files, %+v", len(found.Files), found.Refusals)
			}
			if c.refused != "" && (!strings.Contains(found.Refusals[0].Reason, c.refused) || !found.Refusals[0].HoldsBackAll) {
				t.Errorf("%+v", found.Refusals[0])
			}
		})
	}
}

// An archive that unpacks to more than it declares is stopped at what it declares.
func TestAnArchiveThatLies(t *testing.T) {
	t.Parallel()
	found, err := Find([]string{zipped(t, central(5000), "one.xml", strings.Repeat("0", 1<<20))}, false)
	if err != nil || len(found.Files) != 1 {
		t.Fatal(found, err)
	}
	defer found.Close()
	r, err := found.Files[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	var stopped *Stop
	if !errors.As(err, &stopped) || n > 5000 {
		t.Errorf("read %d bytes: %v", n, err)
	}
}

// What unpacks is held to what was declared, whoever unpacks it.
func TestUnpackingStopsAtWhatWasDeclared(t *testing.T) {
	t.Parallel()
	for left, stops := range map[int64]bool{10: false, 9: true} {
		u := &unpacking{ReadCloser: io.NopCloser(strings.NewReader("0123456789")), name: "one.xml", left: left}
		_, err := io.Copy(io.Discard, u)
		var stopped *Stop
		if errors.As(err, &stopped) != stops || err != nil && !stops {
			t.Errorf("%d declared: %v", left, err)
		}
	}
}

// Tables: the encoding is found in the bytes, lines are counted, quotes hold line breaks.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, encoding string
		sep            rune
		rows           [][]string
		last           int
	}{
		{"a;b\r\n\"x\ny\";é\r\n1;2;3", "utf-8", ';', [][]string{{"a", "b"}, {"x\ny", "é"}, {"1", "2", "3"}}, 4},
		{"a,b\n\xbd,\xa4\n", "iso-8859-15", ',', [][]string{{"a", "b"}, {"œ", "€"}}, 2},
		{"a\tb\nl\x92\xe9t\xe9\t1\n", "windows-1252", '\t', [][]string{{"a", "b"}, {"l’été", "1"}}, 2},
		{"\ufeff\"a;b\";c\n", "utf-8", ';', [][]string{{"a;b", "c"}}, 1},
	} {
		path := filepath.Join(t.TempDir(), "a.csv")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := Find([]string{path}, false)
		if err != nil {
			t.Fatal(err)
		}
		table, err := OpenTable(found.Files[0])
		if err != nil {
			t.Fatal(err)
		}
		var rows [][]string
		for {
			row, err := table.Row()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		table.Close()
		if !reflect.DeepEqual(rows, c.rows) || table.Encoding != c.encoding || table.Separator != c.sep || table.Line != c.last || table.Whole != strings.HasSuffix(c.text, "\n") {
			t.Errorf("%q: %q, %+v", c.text, rows, table)
		}
	}
}
