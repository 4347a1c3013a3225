import type { DomainMetricSources } from '#platform/telemetry/domain-metrics.ts'
import { createMetrics, type MetricFacts, type MetricSources } from '#platform/telemetry/metrics.ts'

/** Every metric of a process, by name. */
export function metricList(): readonly MetricFacts[] {
  const metrics = createMetrics()
  // Nothing is scraped, so no source is read.
  metrics.observe({} as MetricSources)
  metrics.domains.observe({} as DomainMetricSources)
  return metrics.describe()
}
