package app_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/page"
)

// TestTheRegistersWorkbookCanBeRead: what a school exports is a workbook that somebody else's
// program opens; here the reader of imports, which refuses what is not one.
func TestTheRegistersWorkbookCanBeRead(t *testing.T) {
	s, _ := newOffice(t)
	head := s.enter("head")
	res, err := head.Get(s.url("/register/export?month=2026-11&as=xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	media := res.Header.Get("Content-Type")
	status, book, err := read(res, nil)
	if err != nil || status != http.StatusOK || !strings.Contains(media, "spreadsheetml") {
		t.Fatalf("%d, %s, %v", status, media, err)
	}
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	w, err := m.CreateFormFile("files", "absences.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(book)); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	status, text, err := read(head.Post(s.url("/import"), m.FormDataContentType(), &b))
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v: %s", status, err, page.Plain(text))
	}
	for _, want := range []string{"Nom", "Prénom", "Classe", "Benali", "Léa", "2de 3"} {
		if !strings.Contains(page.Plain(text), want) {
			t.Errorf("the reader finds no %q: %s", want, page.Plain(text))
		}
	}
}
