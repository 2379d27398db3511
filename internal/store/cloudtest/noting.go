package cloudtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Noting is a server that takes every write as S3, Google Cloud Storage and Azure do, and notes the requests. It is a fake: no server
// that runs on one machine has keys to encrypt with.
type Noting struct {
	// URL of the server.
	URL string

	mu       sync.Mutex
	requests []*http.Request
	there    map[string]bool
}

// Note starts a server that notes requests, until the test ends.
func Note(t *testing.T) *Noting {
	t.Helper()
	n := &Noting{there: map[string]bool{}}
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	n.URL = server.URL
	return n
}

// Writes that begin an object, so far: a part of one says nothing by itself.
func (n *Noting) Writes() []*http.Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	var writes []*http.Request
	for _, r := range n.requests {
		query := r.URL.Query()
		part := query.Has("partNumber") || query.Has("uploadId") || query.Get("comp") == "block" || query.Has("upload_id")
		if (r.Method == http.MethodPut || r.Method == http.MethodPost) && !part {
			writes = append(writes, r)
		}
	}
	return writes
}

// namePattern finds an object's name where it is not in the path: in what is sent to Google.
var namePattern = regexp.MustCompile(`"name":"[^"]*"`)

// take notes a request about an object, and tells whether it is a creation of what is there.
func (n *Noting) take(r *http.Request, object string) (refused bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.Header.Get("If-None-Match") == "*" || r.URL.Query().Get("ifGenerationMatch") == "0" {
		refused = n.there[object]
		n.there[object] = true
	}
	n.requests = append(n.requests, r)
	return refused
}

// ServeHTTP implements http.Handler.
func (n *Noting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	refused := n.take(r, r.URL.Path+string(namePattern.Find(body)))
	query := r.URL.Query()
	w.Header().Set("ETag", `"e"`)
	switch {
	case refused && r.Header.Get("X-Ms-Version") != "":
		w.Header().Set("X-Ms-Error-Code", "BlobAlreadyExists")
		w.WriteHeader(http.StatusConflict)
	case refused:
		w.WriteHeader(http.StatusPreconditionFailed)
	case query.Has("uploads"):
		_, _ = w.Write([]byte(`<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>`))
	case r.Method == http.MethodPost && query.Has("uploadId"):
		_, _ = w.Write([]byte(`<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>`))
	case strings.Contains(r.URL.Path, "/upload/storage/"):
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"?upload_id=u")
		_, _ = w.Write([]byte(`{"name":"x","bucket":"b"}`))
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusAccepted)
	case r.Header.Get("X-Ms-Version") != "":
		w.WriteHeader(http.StatusCreated)
	}
}
