import { geoGraticule10, geoPath } from 'd3-geo'
import { feature, mesh } from 'topojson-client'
import world from 'world-atlas/countries-50m.json?url'
import { projectionOf, type Size, type View } from './view.ts'

/** Land and borders, ready to be drawn. Source: Natural Earth 1:50m, public domain, as world-atlas has it. */
export interface Earth {
  draw(canvas: HTMLCanvasElement, view: View, size: Size): void
}

/** Loads the shapes; they are a file of this page, nothing is asked of anybody else. */
export async function loadEarth(): Promise<Earth> {
  const atlas = await (await fetch(world)).json()
  const land = feature(atlas, atlas.objects.land)
  const borders = mesh(atlas, atlas.objects.countries, (a, b) => a !== b)
  const grid = geoGraticule10()
  return {
    draw(canvas, view, size) {
      const { devicePixelRatio: ratio } = window
      canvas.width = Math.round(size.width * ratio)
      canvas.height = Math.round(size.height * ratio)
      const context = canvas.getContext('2d')
      if (context === null) return
      const colour = (name: string): string => getComputedStyle(canvas).getPropertyValue(name)
      context.scale(ratio, ratio)
      const path = geoPath(
        projectionOf(view, size).clipExtent([
          [-20, -20],
          [size.width + 20, size.height + 20],
        ]),
        context,
      )
      const draw = (shape: Parameters<typeof path>[0], stroke: string, width: number): void => {
        context.beginPath()
        path(shape)
        context.strokeStyle = stroke
        context.lineWidth = width
        context.stroke()
      }
      draw(grid, colour('--map-grid'), 0.5)
      context.beginPath()
      path(land)
      context.fillStyle = colour('--map-land')
      context.fill()
      draw(land, colour('--map-coast'), 0.8)
      draw(borders, colour('--map-border'), 0.6)
    },
  }
}
