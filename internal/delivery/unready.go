package delivery

import (
	"context"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Unready tells which machines of a definition could not be worked on now, for a plan: it asks each once, for a few seconds at most. It
// takes no lease and changes nothing. An error says that the definition has no platform that can be asked.
func (p *Procedure) Unready(ctx context.Context, definition service.Definition) ([]service.Problem, error) {
	adapters, err := p.run.connector.Adapters(definition)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", p.id, err)
	}
	ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	return adapters.Platform.Unready(ctx), nil
}
