package diagnostics

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Located turns problems into errors at the attributes of value, which stands at root: steps become attribute names,
// map keys or list indices as the value has it, and a problem with something that is not there lies at what it is missing from.
// Problems that may come of what is not known yet are left out: they show when it is known.
func Located(ctx context.Context, root path.Path, value attr.Value, problems []service.Problem) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, p := range problems {
		at, found := locate(root, value, p.Path)
		if plain.IsKnown(ctx, found) {
			diags.AddAttributeError(at, invalid, detail(p))
		}
	}
	return diags
}

// locate walks as far as there is something.
func locate(at path.Path, value attr.Value, steps []string) (path.Path, attr.Value) {
	for _, step := range steps {
		next, to := at, attr.Value(nil)
		switch v := value.(type) {
		case types.Object:
			next, to = at.AtName(step), v.Attributes()[step]
		case types.Map:
			next, to = at.AtMapKey(step), v.Elements()[step]
		case types.List:
			elements := v.Elements()
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(elements) {
				next, to = at.AtListIndex(i), elements[i]
			}
		}
		if to == nil || to.IsNull() {
			return at, value
		}
		at, value = next, to
	}
	return at, value
}

// detail makes sentences of it. A name that it begins with stays as it is written.
func detail(p service.Problem) string {
	if len(p.Path) > 0 && strings.HasPrefix(p.Detail, p.Path[len(p.Path)-1]+" ") {
		return ended(p.Detail)
	}
	return Sentence(p.Detail)
}

// Sentence begins with a capital and ends with a full stop.
func Sentence(text string) string {
	if text == "" {
		return text
	}
	return ended(capital(text))
}

var plainWord = regexp.MustCompile(`^[a-z]+[,.;?]?(\s|$)`)

// capital begins a text with a capital, but for one that begins with a name: of a release, an attribute, a check.
func capital(text string) string {
	if !plainWord.MatchString(text) {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func ended(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}
