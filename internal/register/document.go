package register

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/durable"
)

// Document is what was kept of a file that a guardian sent. Its own name is forgotten: it often
// says more than the document.
type Document struct {
	ID     string
	Media  string
	Size   int64
	Digest string
}

// mostDocument is the largest document that is taken.
const mostDocument = 5 << 20

// mediaEnding tells whether a type is taken, and how a copy of it is called.
func mediaEnding(media string) (string, bool) {
	switch media {
	case "application/pdf":
		return "pdf", true
	case "image/jpeg":
		return "jpg", true
	case "image/png":
		return "png", true
	}
	return "", false
}

// folder is where a school's documents are.
func folder(root, school string) string { return filepath.Join(root, school) }

// keep writes a document into a folder of the school. What it is, its first bytes say, not
// whoever sent it. ErrDocument.
func keep(root, school string, r io.Reader) (Document, error) {
	b, err := io.ReadAll(io.LimitReader(r, mostDocument+1))
	if err != nil {
		return Document{}, err
	}
	media := http.DetectContentType(b)
	if _, ok := mediaEnding(media); !ok || len(b) > mostDocument {
		return Document{}, ErrDocument
	}
	sum := sha256.Sum256(b)
	d := Document{ID: database.NewID(), Media: media, Size: int64(len(b)), Digest: hex.EncodeToString(sum[:])}
	if err := os.MkdirAll(folder(root, school), 0o700); err != nil {
		return Document{}, err
	}
	return d, durable.WriteFile(filepath.Join(folder(root, school), d.ID), b, 0o600)
}

// forget removes a document that no justification names.
func forget(root, school string, d Document) {
	if d.ID != "" {
		_ = os.Remove(filepath.Join(folder(root, school), d.ID)) // what stays is of nobody's use
	}
}

// read gives a justification's document, if it is still what was sent. ErrNotFound.
func read(root string, j Justification) ([]byte, error) {
	if j.Media == "" {
		return nil, ErrNotFound
	}
	b, err := os.ReadFile(filepath.Join(folder(root, j.School), j.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != j.Digest {
		return nil, errors.New("register: a document on the disk is not what was sent: put it back from a backup")
	}
	return b, nil
}

// serve answers with a document, to be saved and never shown: it is somebody else's file.
func serve(w http.ResponseWriter, j Justification, b []byte) error {
	ending, ok := mediaEnding(j.Media)
	if !ok {
		return ErrNotFound
	}
	h := w.Header()
	h.Set("Content-Type", j.Media)
	h.Set("Content-Disposition", `attachment; filename="justificatif-`+j.FromHalf[:10]+`.`+ending+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "no-store")
	_, err := w.Write(b)
	return err
}
