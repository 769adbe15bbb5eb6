package page

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

const assetsPath = "/assets/"

// Assets are the built scripts, styles and pictures, kept in memory under names
// that change with their content, so that a browser keeps each one for good.
type Assets struct {
	urls   map[string]string // plain name → address
	byPath map[string]asset  // address → content
}

type asset struct {
	kind   string
	body   []byte
	packed []byte // the same, gzipped once at the start
}

// NewAssets reads every file of dist, which has no folders in it. "app.css" is
// then served as /assets/app-<hash of its content>.css.
func NewAssets(dist fs.FS) (*Assets, error) {
	a := &Assets{urls: map[string]string{}, byPath: map[string]asset{}}
	entries, err := fs.ReadDir(dist, ".")
	if err != nil {
		return nil, fmt.Errorf("assets: %w", err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		name := entry.Name()
		body, err := fs.ReadFile(dist, name)
		if err != nil {
			return nil, fmt.Errorf("assets: %w", err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(name)
		hash := base64.RawURLEncoding.EncodeToString(sum[:9])
		url := assetsPath + strings.TrimSuffix(name, ext) + "-" + hash + ext
		packed, err := pack(body)
		if err != nil {
			return nil, fmt.Errorf("assets: %s: %w", name, err)
		}
		a.urls[name] = url
		a.byPath[url] = asset{kind: kindOf(ext), body: body, packed: packed}
	}
	return a, nil
}

func pack(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// kindOf does not ask the machine's own table for what we ship, so that a page
// looks the same wherever the program runs.
func kindOf(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".webmanifest":
		return "application/manifest+json"
	}
	if kind := mime.TypeByExtension(ext); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// URL is the address of that file, or "" when there is none.
func (a *Assets) URL(name string) string {
	if a == nil {
		return ""
	}
	return a.urls[name]
}

// Asset is the address of a built file on this site: Asset(ctx, "app.css").
func Asset(ctx context.Context, name string) string {
	if s := visitFrom(ctx).site; s != nil {
		return s.Assets.URL(name)
	}
	return ""
}

// serve answers a request for an asset; false when there is none of that name.
func (a *Assets) serve(w http.ResponseWriter, r *http.Request) bool {
	found, ok := a.byPath[r.URL.Path]
	if !ok || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", found.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := found.body
	if len(found.packed) < len(body) && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body = found.packed
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
	return true
}
