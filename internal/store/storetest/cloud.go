package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// cloudResolution of ages: dates of answers and of objects are whole seconds.
const cloudResolution = 2 * time.Second

// RunCloud holds a store of the cloud to the contract, in the bucket "releases", which is there: with and without a
// prefix, and where the bucket is not there. at gives the URL of a store in a place, a bucket with or without a path.
func RunCloud(t *testing.T, reopen func(url string) (store.Store, error), at func(place string) string) {
	open := func(place string) func() store.Store {
		return func() store.Store {
			s, err := reopen(at(place))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	Run(t, open("releases/a prefix/of two"), Options{Recipe: at("releases/a prefix/of two"), Resolution: cloudResolution})
	t.Run("PrefixesAreApart", func(t *testing.T) {
		const key = "apart/object"
		must(t, open("releases/one")().Create(t.Context(), key, []byte("one")))
		must(t, open("releases/on")().Create(t.Context(), key, []byte("on")))
		must(t, open("releases")().Create(t.Context(), key, []byte("none")))
		expect(t, open("releases/one/")(), key, []byte("one"))
		expect(t, open("releases/on")(), key, []byte("on"))
		list(t, open("releases/on")(), "apart/", key)
		expect(t, open("releases")(), "one/"+key, []byte("one"))
	})
	t.Run("NoBucket", func(t *testing.T) {
		missing := open("no-such-place/prefix")()
		_, reading := missing.Get(t.Context(), "a/b")
		_, opening := missing.Open(t.Context(), "a/b")
		_, listing := missing.List(t.Context(), "")
		for what, err := range map[string]error{
			"Get": reading, "Open": opening, "List": listing,
			"Create": missing.Create(t.Context(), "a/b", nil), "Put": missing.Put(t.Context(), "a/b", nil), "Delete": missing.Delete(t.Context(), "a/b"),
		} {
			if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) {
				t.Errorf("%s in a place that is not there: %v, want an error of its own", what, err)
			}
		}
	})
}
